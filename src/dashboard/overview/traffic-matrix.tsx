/** Bytes and copies that entered each site from each other one, over the latest rollouts. */
import { requestJson } from '../api/admin-client.ts'
import { usePolled } from '../api/live.ts'
import type { Rollout, RolloutDetail } from '../api/responses.ts'
import { formatBytes, formatCopies } from '../elements/quantities.ts'
import { trafficOf } from './traffic.ts'

const PERIOD_MS = 5_000
/** Each costs one request. */
const ROLLOUTS_MAX = 10

export function TrafficMatrix({ rollouts }: { readonly rollouts: readonly Rollout[] }) {
  const latest = rollouts
    .filter(({ state }) => state !== 'waiting')
    .toSorted((a, b) => (b.startedAt ?? '').localeCompare(a.startedAt ?? ''))
    .slice(0, ROLLOUTS_MAX)
  const key = latest.map(({ infoHash }) => infoHash).join(' ')
  const details = usePolled(key === '' ? undefined : key, { periodMs: PERIOD_MS }, async (signal) => {
    const read: RolloutDetail[] = []
    for (const { infoHash } of latest)
      read.push(await requestJson<RolloutDetail>(`/api/v1/rollouts/${infoHash}`, { signal }))
    return read
  })
  if (details.value === undefined) return null
  const traffic = trafficOf(details.value)
  if (traffic.cells.size === 0) return null
  return (
    <section aria-labelledby="traffic">
      <h2 id="traffic">Between sites</h2>
      <p class="note">
        Bytes that entered each site from another one, and copies of the content, over the latest{' '}
        {latest.length} {latest.length === 1 ? 'rollout' : 'rollouts'}. One copy in all is the least possible.
      </p>
      <div class="table scrolls" tabIndex={0} role="region" aria-label="Table of bytes">
        <table class="matrix">
          <thead>
            <tr>
              <th scope="col">Into ↓ from →</th>
              {traffic.sites.map((from) => (
                <th key={from} scope="col" class="number">
                  {from}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {traffic.sites.map((to) => (
              <tr key={to}>
                <th scope="row">{to}</th>
                {traffic.sites.map((from) => (
                  <Cell key={from} isOwn={to === from} cell={traffic.cells.get(`${to} ${from}`)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Cell({
  isOwn,
  cell,
}: {
  readonly isOwn: boolean
  readonly cell: { readonly bytes: number; readonly copies: number } | undefined
}) {
  if (isOwn) return <td class="number own">·</td>
  if (cell === undefined) return <td class="number">–</td>
  return (
    <td class="number">
      {formatBytes(cell.bytes)}
      <small>{formatCopies(cell.copies)} copies</small>
    </td>
  )
}
