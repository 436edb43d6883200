/** Hold and release of a rollout, at all sites or at one. */
import { useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import type { RolloutDetail } from '../api/responses.ts'
import { Action } from '../elements/action.tsx'
import { curl } from '../elements/commands.ts'

export function HoldActions({
  rollout,
  onDone,
}: {
  readonly rollout: RolloutDetail
  readonly onDone: () => void
}) {
  const [site, setSite] = useState('')
  if (rollout.state === 'complete') return null
  const pathOf = (verb: 'hold' | 'release') =>
    `/api/v1/rollouts/${rollout.infoHash}/${verb}${site === '' ? '' : `?site=${encodeURIComponent(site)}`}`
  const where = site === '' ? 'all sites' : site
  const run = (verb: 'hold' | 'release', done: string) => async () => {
    await requestText(pathOf(verb), { method: 'POST' })
    onDone()
    return `${done}: ${where}`
  }
  const choice = (
    <label class="field">
      Where
      <select value={site} onChange={(event) => setSite(event.currentTarget.value)}>
        <option value="">all sites</option>
        {rollout.sites.map((each) => (
          <option key={each.site} value={each.site}>
            {each.site}
          </option>
        ))}
      </select>
    </label>
  )
  const isHeldSomewhere = rollout.state === 'held' || rollout.sites.some(({ isHeld }) => isHeld)
  return (
    <>
      <Action
        title="Hold"
        consequence={
          <p>
            No more bytes of {rollout.name} enter {where} from other sites. Hosts keep what they have, and
            continue to exchange it inside their site. Release continues where it stopped.
          </p>
        }
        command={curl('POST', pathOf('hold'))}
        run={run('hold', 'Held')}
      >
        {choice}
      </Action>
      {isHeldSomewhere ? (
        <Action
          title="Release"
          consequence={
            <p>
              {rollout.name} continues at {where} where it stopped.
            </p>
          }
          command={curl('POST', pathOf('release'))}
          run={run('release', 'Released')}
        >
          {choice}
        </Action>
      ) : null}
    </>
  )
}
