/** The frame around every view: navigation, state of the connection, token. */
import { useEffect, useRef } from 'preact/hooks'
import { effect } from '@preact/signals'
import { followEvents } from '../api/events.ts'
import { token, tokenProblem } from '../api/token.ts'
import { HostView } from '../host/host-view.tsx'
import { NodesView } from '../nodes/nodes-view.tsx'
import { Overview } from '../overview/overview.tsx'
import { HostsView } from '../rollout/hosts-view.tsx'
import { RolloutView } from '../rollout/rollout-view.tsx'
import { TopologyView } from '../topology/topology-view.tsx'
import { TorrentView } from '../torrents/torrent-view.tsx'
import { TorrentsView } from '../torrents/torrents-view.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import { Navigation } from './navigation.tsx'
import { followTime } from './now.ts'
import { type Route, links } from './links.ts'
import { followRoute, route } from './route.ts'
import { TokenForm } from './token-form.tsx'

export function Frame() {
  useEffect(followRoute, [])
  useEffect(followTime, [])
  useEffect(followEventsWithToken, [])
  const main = useRef<HTMLElement>(null)
  const current = route.value
  const title = titleOf(current)
  useTitle(title, main)
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to content
      </a>
      <Navigation current={current} />
      <ConnectionBanner />
      <main id="content" ref={main} tabIndex={-1} aria-label={title}>
        {tokenProblem.value === undefined ? <View route={current} /> : <TokenForm />}
      </main>
    </>
  )
}

function View({ route: current }: { readonly route: Route }) {
  switch (current.view) {
    case 'overview':
      return <Overview />
    case 'rollout':
      return <RolloutView key={current.infoHash} infoHash={current.infoHash} />
    case 'hosts':
      return <HostsView key={current.infoHash} infoHash={current.infoHash} />
    case 'host':
      return <HostView key={current.ip} ip={current.ip} />
    case 'torrents':
      return <TorrentsView />
    case 'torrent':
      return <TorrentView key={current.infoHash} infoHash={current.infoHash} />
    case 'topology':
      return <TopologyView />
    case 'nodes':
      return <NodesView />
    case 'unknown':
      break
  }
  return (
    <>
      <h1>There is no page {current.path}</h1>
      <p>
        The <a href={links.overview}>overview</a> has all rollouts, and <a href={links.torrents}>torrents</a>{' '}
        the registered files.
      </p>
    </>
  )
}

function titleOf(current: Route): string {
  switch (current.view) {
    case 'overview':
      return 'Overview'
    case 'rollout':
      return 'Rollout'
    case 'hosts':
      return 'Hosts of a rollout'
    case 'host':
      return current.ip === '' ? 'Host' : `Host ${current.ip}`
    case 'torrents':
      return 'Torrents'
    case 'torrent':
      return 'Torrent'
    case 'topology':
      return 'Topology'
    case 'nodes':
      return 'Nodes'
    case 'unknown':
      break
  }
  return 'No such page'
}

/** A screen reader announces the new view, as it would a new page; the first view keeps the focus of the browser. */
function useTitle(title: string, main: { readonly current: HTMLElement | null }): void {
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${title} · siteswarm`
    if (!isFirst.current) {
      main.current?.focus()
      window.scrollTo(0, 0)
    }
    isFirst.current = false
  }, [title])
}

/** A new token opens a new stream. */
function followEventsWithToken(): () => void {
  let stream = new AbortController()
  const end = effect(() => {
    void token.value
    stream.abort()
    stream = new AbortController()
    if (tokenProblem.value === undefined) void followEvents(stream.signal)
  })
  return () => {
    end()
    stream.abort()
  }
}
