/** Registers .torrent files: chosen, or dropped onto the field. */
import { useState } from 'preact/hooks'
import { asFailure, requestJson } from '../api/admin-client.ts'
import type { TorrentDetail } from '../api/responses.ts'
import { SameAsCommand } from '../elements/command.tsx'
import { quote } from '../elements/commands.ts'
import { token } from '../api/token.ts'
import { links } from '../frame/links.ts'

interface Outcome {
  readonly file: string
  readonly torrent?: TorrentDetail & { readonly isNew: boolean }
  readonly problem?: string
}

export function Upload({ onDone }: { readonly onDone: () => void }) {
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([])
  const [origin, setOrigin] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [isOver, setOver] = useState(false)
  const path = `/api/v1/torrents${origin.trim() === '' ? '' : `?origin=${encodeURIComponent(origin.trim())}`}`

  const upload = async (files: readonly File[]) => {
    setBusy(true)
    setOutcomes([])
    for (const file of files) {
      const outcome = await register(path, file)
      setOutcomes((before) => [...before, outcome])
    }
    setBusy(false)
    onDone()
  }
  return (
    <section
      class={isOver ? 'card upload over' : 'card upload'}
      aria-labelledby="upload"
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        void upload([...(event.dataTransfer?.files ?? [])])
      }}
    >
      <h2 id="upload">Publish</h2>
      <div class="fields">
        <label>
          .torrent files, chosen or dropped here
          <input
            type="file"
            accept=".torrent,application/x-bittorrent"
            multiple
            disabled={isBusy}
            onChange={(event) => {
              const field = event.currentTarget
              const files = [...(field.files ?? [])]
              field.value = ''
              void upload(files)
            }}
          />
        </label>
        <label>
          Origin of the content, optional
          <input
            type="text"
            value={origin}
            spellcheck={false}
            placeholder="/srv/images/debian-13.img or s3://images/debian-13.img"
            onInput={(event) => setOrigin(event.currentTarget.value)}
          />
        </label>
      </div>
      <SameAsCommand text={uploadCommand(path)} />
      <div aria-live="polite">
        {isBusy ? <p class="loading">Registering…</p> : null}
        {outcomes.map((outcome) => (
          <Result key={outcome.file} outcome={outcome} />
        ))}
      </div>
    </section>
  )
}

async function register(path: string, file: File): Promise<Outcome> {
  try {
    const torrent = await requestJson<TorrentDetail & { readonly isNew: boolean }>(path, {
      method: 'POST',
      body: file,
      contentType: 'application/x-bittorrent',
    })
    return { file: file.name, torrent }
  } catch (error) {
    return { file: file.name, problem: asFailure(error).message }
  }
}

function Result({ outcome: { file, torrent, problem } }: { readonly outcome: Outcome }) {
  if (torrent === undefined)
    return (
      <p class="problem">
        {file}: {problem}
      </p>
    )
  return (
    <div class="result">
      <p>
        <a href={links.torrent(torrent.infoHash)}>{torrent.name}</a>{' '}
        {torrent.isNew ? 'is registered.' : 'was registered already.'} Its page has the URL for each site.
      </p>
      {torrent.warnings.map(({ code, message }) => (
        <p key={`${code} ${message}`} class="warning">
          {message} <code>{code}</code>
        </p>
      ))}
    </div>
  )
}

function uploadCommand(path: string): string {
  const secret = token.value === undefined ? '' : ' -H "Authorization: Bearer $SITESWARM_ADMIN_TOKEN"'
  return `curl -sS${secret} -H 'Content-Type: application/x-bittorrent' --data-binary @FILE.torrent ${quote(`${window.location.origin}${path}`)}`
}
