/** The number of hosts that the operator expects in each site. */
import { useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import { useLive } from '../api/live.ts'
import type { RolloutDetail, TopologyAnswer } from '../api/responses.ts'
import { Action } from '../elements/action.tsx'
import { curl } from '../elements/commands.ts'

const SITES_PERIOD_MS = 60_000

export function ExpectedHosts({
  rollout,
  onDone,
}: {
  readonly rollout: RolloutDetail
  readonly onDone: () => void
}) {
  const topology = useLive<TopologyAnswer>('/api/v1/topology', { periodMs: SITES_PERIOD_MS }).value
  /** As typed; a site that was not touched keeps its number. */
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const sites = topology?.sites.map(({ site }) => site) ?? Object.keys(rollout.expect)
  const path = `/api/v1/rollouts/${rollout.infoHash}/expect`
  const hosts = Object.fromEntries(
    Object.entries(typed).map(([site, text]) => [site, text === '' ? null : Number(text)]),
  )
  return (
    <Action
      title="Expected hosts"
      verb="Set"
      consequence={
        <p>
          The rollout is complete when this number of hosts has completed in each site. Without a number, the
          hosts that have announced count, and a host that never came is not missed.
        </p>
      }
      command={curl('PATCH', path, { hosts })}
      run={async () => {
        await requestText(path, {
          method: 'PATCH',
          body: JSON.stringify({ hosts }),
          contentType: 'application/json',
        })
        setTyped({})
        onDone()
        return 'Expected hosts are set'
      }}
    >
      {sites.map((site) => (
        <label key={site} class="field">
          {site}
          <input
            type="number"
            min={0}
            inputMode="numeric"
            value={typed[site] ?? String(rollout.expect[site] ?? '')}
            onInput={(event) => {
              const { value } = event.currentTarget
              setTyped((before) => ({ ...before, [site]: value }))
            }}
          />
        </label>
      ))}
    </Action>
  )
}
