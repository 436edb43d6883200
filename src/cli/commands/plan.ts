/** `plan`: the traffic that a rollout will cause between sites, for the people who run the network. */
import type { RolloutPlan } from '../../rollouts/plan.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'
import { formatByteSize } from '../byte-size.ts'
import { type Command, exitCodes, textFlag } from '../command.ts'
import { escapeControl } from '../escape-control.ts'
import { infoHashProblem } from '../info-hash-argument.ts'

interface PlanAnswer extends RolloutPlan {
  readonly infoHash: string
  readonly name: string
  readonly sizeBytes: number
}

export const planCommand: Command = {
  examples: [
    'siteswarm plan 2bcb3dab253c7e8c9355b33f262efadd63005087',
    'siteswarm plan 2bcb3dab253c7e8c9355b33f262efadd63005087 --source fra --json',
  ],
  flags: [
    {
      flags: '--source <site>',
      description: 'site of the first seed (default: where one is, or the site of the node)',
    },
    ...adminFlags,
  ],
  async run([infoHash = ''], flags, context) {
    const problem = infoHashProblem(infoHash)
    if (problem !== undefined) {
      context.err(`siteswarm plan: ${problem}`)
      return exitCodes.usage
    }
    const source = textFlag(flags, 'source')
    const query = source === undefined ? '' : `?${new URLSearchParams({ source }).toString()}`
    try {
      const answer = await sendAdminRequest(
        { path: `/api/v1/rollouts/${infoHash}/plan${query}` },
        flags,
        context,
      )
      if (flags['json'] === true) context.out(JSON.stringify(answer))
      else for (const line of planLines(answer as PlanAnswer)) context.out(line)
      return exitCodes.yes
    } catch (error) {
      if (!(error instanceof AdminRefused) && !(error instanceof AdminUnreachable)) throw error
      context.err(`siteswarm plan: ${error.message}`)
      return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
    }
  },
}

function planLines({
  name,
  sizeBytes,
  sourceSites,
  links,
  sites,
  bytesBetweenSites,
  bytesWithoutTree,
}: PlanAnswer): string[] {
  const lines = [
    `${escapeControl(name)}  ${formatByteSize(sizeBytes)}, from ${sourceSites.join(', ')}`,
    '',
    ...(links.length === 0 ? ['no traffic between sites'] : []),
  ]
  for (const link of links) {
    const bound = link.bytesAtMost > link.bytes ? `, at most ${formatByteSize(link.bytesAtMost)}` : ''
    lines.push(`${link.from} -> ${link.to}  ${formatByteSize(link.bytes)}${bound}, cost ${link.cost}`)
    const { from, to } = link.nodes
    if (from.length > 0 && to.length > 0) lines.push(`  nodes: ${from.join(' ')} and ${to.join(' ')}`)
  }
  const counted = sites.filter(({ expected }) => expected !== null)
  if (counted.length > 0)
    lines.push('', ...counted.map(({ site, expected }) => `${site}: ${expected ?? 0} hosts expected`))
  const without =
    bytesWithoutTree === null
      ? ''
      : `; ${formatByteSize(bytesWithoutTree)} if every host fetched from ${sourceSites.join(', ')}`
  return [...lines, '', `${formatByteSize(bytesBetweenSites)} between sites in all${without}`]
}
