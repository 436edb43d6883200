/** The reports of the tracker for the log of the node. */
import type { Log } from '../core/log.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { TrackerComponents } from '../tracker/tracker-components.ts'
import { AddressReports } from './address-reports.ts'
import { reportGatewayLosses } from './gateway-losses.ts'

export function trackerReports(
  counters: ConstructorParameters<typeof AddressReports>[0],
  topology: CurrentTopology,
  log: Log,
): Required<Pick<TrackerComponents, 'reports' | 'onGatewayLost'>> {
  return {
    reports: new AddressReports(counters, log),
    onGatewayLost: reportGatewayLosses(log, topology),
  }
}
