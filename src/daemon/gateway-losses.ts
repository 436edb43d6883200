/** Reports lost gateways in the log, each with the time at which a node of its site noticed. */
import type { Log } from '../core/log.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { GatewayLoss } from '../tracker/ports.ts'

export function reportGatewayLosses(
  log: Pick<Log, 'info'>,
  topology: CurrentTopology,
): (loss: GatewayLoss) => void {
  return ({ infoHash, siteIndex, address, port, cause }) => {
    const site = topology.value.sites[siteIndex]?.name
    const gateway = address.isV4 ? `${address.toString()}:${port}` : `[${address.toString()}]:${port}`
    log.info(
      { event: 'gateway-lost', infoHash: infoHash.toString('hex'), gatewaySite: site, gateway, cause },
      'the gateway of a site is gone or stalled; another client of the site replaces it when it announces',
    )
  }
}
