/** One host: its place, the torrents that it has or downloads, and the peers that it gets, each with the reason. */
import { useState } from 'preact/hooks'
import { useLive } from '../api/live.ts'
import type { LocatedAddress } from '../api/responses.ts'
import { Command } from '../elements/command.tsx'
import { siteswarm } from '../elements/commands.ts'
import { Figures } from '../elements/figures.tsx'
import { EmptyState, Failure, Loading } from '../elements/notices.tsx'
import { links } from '../frame/links.ts'
import { HostTorrent } from './host-torrent.tsx'
import { useHostTorrents } from './host-torrents.ts'

const PLACE_PERIOD_MS = 15_000

export function HostView({ ip }: { readonly ip: string }) {
  return (
    <>
      <h1>{ip === '' ? 'Host' : `Host ${ip}`}</h1>
      <HostSearch ip={ip} />
      {ip === '' ? <NoHost /> : <Host ip={ip} />}
    </>
  )
}

function HostSearch({ ip }: { readonly ip: string }) {
  const [text, setText] = useState(ip)
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        window.location.hash = links.host(text.trim())
      }}
    >
      <label>
        IPv4 or IPv6 address
        <input
          type="text"
          value={text}
          autoComplete="off"
          spellcheck={false}
          placeholder="10.1.1.17"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Show
      </button>
    </form>
  )
}

function NoHost() {
  return (
    <EmptyState title="Which host?">
      <p>
        Enter the address of a host to see its site, its torrents and its peers, each with the reason. The
        lists of stragglers and hosts of a rollout lead here too.
      </p>
    </EmptyState>
  )
}

function Host({ ip }: { readonly ip: string }) {
  const query = new URLSearchParams({ ip }).toString()
  const located = useLive<readonly LocatedAddress[]>(`/api/v1/locate?${query}`, PLACE_PERIOD_MS)
  const place = located.value?.[0]
  if (place === undefined)
    return (
      <>
        <Failure failure={located.failure} />
        {located.failure === undefined ? <Loading of="its place" /> : null}
      </>
    )
  return (
    <>
      <Failure failure={located.failure} />
      <Figures
        figures={[
          {
            name: 'Site',
            value: place.site ?? 'none',
            note: place.prefix === null ? undefined : `by ${place.prefix}`,
          },
          {
            name: 'Bubble',
            value: place.bubble === null ? 'none' : place.bubble === '-' ? 'none' : place.bubble,
          },
        ]}
      />
      {place.site === null ? (
        <p class="problem">
          No prefix of the topology contains this address: its announces are rejected. Add a prefix to its
          site.
        </p>
      ) : null}
      <HostTorrents ip={ip} />
    </>
  )
}

function HostTorrents({ ip }: { readonly ip: string }) {
  const torrents = useHostTorrents(ip)
  const { value } = torrents
  return (
    <section aria-labelledby="has">
      <h2 id="has">Torrents</h2>
      <Failure failure={torrents.failure} />
      {value === undefined && torrents.failure === undefined ? <Loading of="its torrents" /> : null}
      {value?.found.length === 0 ? (
        <EmptyState title="Its client has announced none of them">
          <p>
            None of the {value.checked} torrents that were checked has this address. Check that its client
            runs, and that its torrent has the trackers of its site:
          </p>
          <Command text={siteswarm('torrents')} />
        </EmptyState>
      ) : null}
      {value?.found.map((explanation) => (
        <HostTorrent key={explanation.infoHash} explanation={explanation} />
      ))}
      {value !== undefined && value.total > value.checked ? (
        <p class="note">
          The {value.checked} torrents with the most clients were checked, of {value.total}.
        </p>
      ) : null}
    </section>
  )
}
