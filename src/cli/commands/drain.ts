/** `drain`: makes a node not ready, so that clients and load balancers use other nodes before it stops, and undoes that. */
import type { NodeInformation } from '../../server/admin/answers/node.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'
import { type Command, exitCodes, textFlag } from '../command.ts'
import { escapeControl } from '../escape-control.ts'

export const drainCommand: Command = {
  examples: [
    'siteswarm drain --reason "kernel update" --url http://t1.fra.example:6970 --token-file /etc/siteswarm/admin-token',
    'siteswarm drain --undo',
  ],
  flags: [
    { flags: '--reason <text>', description: 'shown by /readyz, in the log and on the dashboard' },
    { flags: '--undo', description: 'make the node ready again' },
    ...adminFlags,
  ],
  async run(_args, flags, context) {
    const reason = textFlag(flags, 'reason')
    const isUndo = flags['undo'] === true
    if (isUndo && reason !== undefined) {
      context.err('siteswarm drain: --undo takes no --reason; leave one of them out')
      return exitCodes.usage
    }
    const query = reason === undefined ? '' : `?${new URLSearchParams({ reason }).toString()}`
    try {
      const path = `/api/v1/drain${query}`
      await sendAdminRequest({ path, method: isUndo ? 'DELETE' : 'POST' }, flags, context)
      const state = (await sendAdminRequest({ path: '/api/v1/node' }, flags, context)) as NodeInformation
      if (flags['json'] === true) context.out(JSON.stringify({ site: state.site, drain: state.drain }))
      else context.out(describe(state))
      return exitCodes.yes
    } catch (error) {
      if (!(error instanceof AdminRefused) && !(error instanceof AdminUnreachable)) throw error
      context.err(`siteswarm drain: ${error.message}`)
      return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
    }
  },
}

function describe({ site, drain }: NodeInformation): string {
  if (drain === null) return `the node of site ${site} is ready again`
  const why = drain.reason === null ? '' : `: ${escapeControl(drain.reason)}`
  return `the node of site ${site} is draining since ${drain.since}${why}`
}
