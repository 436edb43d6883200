/** `doctor`: checks a running node, its sites, its trackers and its clock from here, each finding with what to do. */
import type { NodeInformation } from '../../server/admin/answers/node.ts'
import type { SiteList } from '../../server/admin/answers/sites.ts'
import type { SwarmPage } from '../../server/admin/answers/swarms.ts'
import type { TopologyAnswer } from '../../server/admin/answers/topology.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'
import { type Command, type CommandContext, type CommandFlags, exitCodes } from '../command.ts'
import { contactNodes, type Target } from '../contact-nodes.ts'
import { checkClock, checkContacts, checkNode, checkSites, checkSwarms, type Finding } from '../diagnosis.ts'
import { escapeControl } from '../escape-control.ts'

export const doctorCommand: Command = {
  examples: [
    'siteswarm doctor',
    'siteswarm doctor --url http://t1.fra.example:6970 --token-file /etc/siteswarm/admin-token',
    'siteswarm doctor --json',
  ],
  flags: adminFlags,
  async run(_args, flags, context) {
    try {
      const findings = await diagnose(flags, context)
      if (flags['json'] === true) context.out(JSON.stringify({ isOk: isOk(findings), findings }))
      else for (const line of findings.flatMap(describe)) context.out(line)
      return isOk(findings) ? exitCodes.yes : exitCodes.no
    } catch (error) {
      if (!(error instanceof AdminRefused) && !(error instanceof AdminUnreachable)) throw error
      context.err(`siteswarm doctor: ${error.message}`)
      return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
    }
  },
}

async function diagnose(flags: CommandFlags, context: CommandContext): Promise<Finding[]> {
  const get = async <Answer>(path: string) => (await sendAdminRequest({ path }, flags, context)) as Answer
  const node = await get<NodeInformation>('/api/v1/node')
  const nowMs = Date.parse(node.startedAt) + node.uptimeSeconds * 1_000
  const clock = checkClock({ nodeMs: nowMs, hereMs: context.nowMs() })
  const { sites } = await get<SiteList>('/api/v1/sites')
  const topology = await get<TopologyAnswer>('/api/v1/topology')
  const { swarms } = await get<SwarmPage>('/api/v1/swarms?limit=1000')
  context.showStatus?.('contacting the trackers …')
  const contacts = await contactNodes(trackersOf(topology), {
    federation: undefined,
    version: context.version,
    environment: context.environment,
    signal: context.signal,
  })
  context.showStatus?.('')
  return [
    ...checkNode(node, context.version),
    clock,
    ...checkSites(sites),
    ...checkContacts(contacts),
    checkSwarms(swarms),
  ]
}

function trackersOf({ sites }: TopologyAnswer): Target[] {
  const urls = new Map<string, string[]>()
  for (const { site, trackers } of sites)
    for (const url of trackers) urls.set(url, [...(urls.get(url) ?? []), site])
  return [...urls].map(([url, names]) => ({ url, kind: 'tracker', sites: names }))
}

const isOk = (findings: readonly Finding[]) => findings.every(({ level }) => level !== 'failed')

function describe({ level, subject, sentence, remedy }: Finding): string[] {
  const line = `${level.padEnd(6)}  ${escapeControl(`${subject}: ${sentence}`)}`
  return remedy === undefined ? [line] : [line, `        → ${escapeControl(remedy)}`]
}
