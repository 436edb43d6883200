/**
 * Plain numbers about the observers of a node, for the metrics.
 */

/** Outcomes of dials, of connections and of looks at the pieces of a client. A closed set: the label of a counter. */
export const observationResults = [
  'reachable',
  'refused',
  'silent',
  'closed',
  'mute',
  'violation',
  'flooding',
  'no-memory',
  'no-socket',
  'pieces',
  'complete',
  'gone',
] as const

export type ObservationResult = (typeof observationResults)[number]

export type ObservationCounts = Record<ObservationResult, number>

export function noObservations(): ObservationCounts {
  return Object.fromEntries(observationResults.map((result) => [result, 0])) as ObservationCounts
}

export class ObserverCounters {
  /**
   * - `reachable`, `refused`, `silent`: outcomes of dials. `no-socket`: the node could not dial.
   * - `closed`: the client ended the connection. `mute`: it accepted the connection and sent no handshake.
   * - `violation`, `flooding`, `no-memory`: the node ended the connection.
   * - `pieces`: a client has shown its pieces on a new connection. `complete`: a client became complete.
   * - `gone`: a client that was reachable does not answer.
   */
  readonly observations = noObservations()
  /** Clients that are not observed, because the node has too many. */
  clientsIgnored = 0
  bytesRead = 0
}
