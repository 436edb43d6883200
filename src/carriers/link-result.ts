/** Ends of the connections of carriers as results of observations, so that both are counted alike. */
import type { ObservationResult } from '../observers/observer-counters.ts'
import { ProtocolViolation } from '../wire/peer/protocol-violation.ts'
import type { LinkEnd } from './link-init.ts'

/** The result that an observer would count. undefined for an end that only a connection with content has: it is a fault. */
export function resultOf(end: LinkEnd): ObservationResult | undefined {
  if (end instanceof ProtocolViolation) return 'violation'
  switch (end) {
    case 'memory':
      return 'no-memory'
    case 'local':
      return 'no-socket'
    case 'not-reading':
    case 'requests-dropped':
    case 'request-out-of-range':
      return undefined
    default:
      return end
  }
}
