/** Options of closed ports. */
import { InputError } from '../src/core/errors.ts'
import type { ClosedPorts } from './closed-ports.ts'
import { count, oneOf, share } from './option-values.ts'

interface ClosedFlags {
  readonly 'closed-share'?: string | undefined
  readonly 'closed-hosts'?: string | undefined
  readonly 'closed-sites'?: string | undefined
  readonly 'closed-mode'?: string | undefined
  readonly 'closed-draw'?: string | undefined
}

/** Named hosts and sites replace the draw of the scenario unless a share is given as well. */
export function closedPorts(
  flags: ClosedFlags,
  ofScenario: ClosedPorts | undefined,
): { readonly closed?: ClosedPorts } {
  const hosts = flags['closed-hosts']?.split(',')
  const sites = flags['closed-sites']?.split(',').map((site) => count(site, '--closed-sites'))
  const given = flags['closed-share']
  const [mode, draw] = [flags['closed-mode'], flags['closed-draw']]
  const isNamed = hosts !== undefined || sites !== undefined
  if (ofScenario === undefined && !isNamed && given === undefined) {
    if (mode === undefined && draw === undefined) return {}
    throw new InputError(
      '--closed-mode and --closed-draw need --closed-share, --closed-hosts or --closed-sites',
    )
  }
  const isDrawn = given !== undefined || !isNamed
  const includesFirstHosts =
    draw === undefined
      ? ofScenario?.includesFirstHosts === true
      : oneOf(['first-hosts', 'any'], draw, '--closed-draw') === 'first-hosts'
  const closedSites = sites ?? (isNamed ? undefined : ofScenario?.sites)
  return {
    closed: {
      share: given === undefined ? (isDrawn ? (ofScenario?.share ?? 0) : 0) : share(given, '--closed-share'),
      hosts: hosts ?? [],
      ...(closedSites === undefined ? {} : { sites: closedSites }),
      mode: oneOf(['drop', 'reject'], mode ?? ofScenario?.mode ?? 'drop', '--closed-mode'),
      includesFirstHosts: isDrawn && includesFirstHosts,
    },
  }
}
