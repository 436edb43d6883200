/** `plan`: the traffic that a rollout will cause between sites, for the people who run the network. */
import type { PlanAnswer, PlannedLink } from '../../rollouts/plan-answer.ts'
import { formatRate } from '../../topology/link-rate.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'
import { formatByteSize } from '../byte-size.ts'
import { type Command, exitCodes, textFlag } from '../command.ts'
import { escapeControl } from '../escape-control.ts'
import { infoHashProblem } from '../info-hash-argument.ts'

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
  finishedAt,
}: PlanAnswer): string[] {
  const lines = [
    `${escapeControl(name)}  ${formatByteSize(sizeBytes)}, from ${sourceSites.join(', ')}`,
    '',
    ...(links.length === 0 ? ['no traffic between sites'] : []),
  ]
  for (const link of links) lines.push(...linkLines(link))
  const counted = sites.filter(({ expected }) => expected !== null)
  if (counted.length > 0)
    lines.push('', ...counted.map(({ site, expected }) => `${site}: ${expected ?? 0} hosts expected`))
  const without =
    bytesWithoutTree === null
      ? ''
      : `; ${formatByteSize(bytesWithoutTree)} if every host fetched from ${sourceSites.join(', ')}`
  const finished = finishedAt === null ? [] : [`finished at ${minuteOf(finishedAt)} if it starts now`]
  return [...lines, '', `${formatByteSize(bytesBetweenSites)} between sites in all${without}`, ...finished]
}

function linkLines({ from, to, cost, bytes, bytesAtMost, ...link }: PlannedLink): string[] {
  const bound = bytesAtMost > bytes ? `, at most ${formatByteSize(bytesAtMost)}` : ''
  const lines = [`${from} -> ${to}  ${formatByteSize(bytes)}${bound}, cost ${cost}`]
  const add = (name: string, text: string) => lines.push(`  ${name.padEnd(9)}${text}`)
  if (link.carry === 'direct') {
    const gateways = link.copiesMax === 1 ? 'one gateway' : `up to ${link.copiesMax} gateways`
    add('by', `${gateways} of ${to}; hosts of the two sites connect to each other, without a limit`)
  } else {
    add('by', 'the nodes of the two sites')
    add('rate', rateText(link.rateBytesPerSecond))
    add('hours', link.hours ?? 'all')
  }
  const { nodes, contacts, finishedAt } = link
  if (nodes.from.length > 0 && nodes.to.length > 0)
    add('nodes', `${nodes.from.join(' ')} and ${nodes.to.join(' ')}`)
  if (finishedAt !== null) add('finished', minuteOf(finishedAt))
  for (const [place, contact] of [
    [from, contacts.from],
    [to, contacts.to],
    ['the link', contacts.link],
  ] as const)
    if (contact !== null) add('contact', `${escapeControl(contact)} (${place})`)
  return lines
}

function rateText(bytesPerSecond: number | null): string {
  if (bytesPerSecond === null) return 'not limited'
  return bytesPerSecond === 0 ? '0: nothing crosses the link' : `at most ${formatRate(bytesPerSecond)}`
}

/** `2030-01-02 03:04 UTC`. */
function minuteOf(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`
}
