/**
 * Readiness of the node, for `/readyz`: whether a load balancer should send clients to it.
 *
 * The response lists every check with a sentence, because a bare 503 does not tell the cause. A check that is not
 * required is listed but does not make the node unready: a node whose store is unavailable still answers announces,
 * and removing it from the load balancer would turn one outage into two.
 */

export interface CheckResult {
  readonly isOk: boolean
  /** For the operator: the state, and if it is not ok, what happens next or what to do. */
  readonly sentence: string
}

export interface Check {
  /** One word, such as `restored`. */
  readonly name: string
  readonly isRequired: boolean
  readonly read: () => CheckResult
}

export interface CheckReport extends CheckResult {
  readonly name: string
  readonly isRequired: boolean
  /** Number of the worker that made the check; undefined if the node is one process. */
  readonly worker?: number
}

export interface Readiness {
  /** Every required check is ok. */
  readonly isReady: boolean
  readonly checks: readonly CheckReport[]
}

export class Health {
  readonly #checks: readonly Check[]

  constructor(checks: readonly Check[]) {
    this.#checks = checks
  }

  readiness(): Readiness {
    const checks = this.#checks.map(({ name, isRequired, read }) => {
      const { isOk, sentence } = read()
      return { name, isRequired, isOk, sentence }
    })
    return { isReady: checks.every(({ isOk, isRequired }) => isOk || !isRequired), checks }
  }
}

/** A line for each check, then `ready` or `not ready`. */
export function writeReadiness({ isReady, checks }: Readiness): string {
  const lines = checks.map(({ name, isRequired, isOk, sentence, worker }) => {
    const of = worker === undefined ? '' : ` (worker ${worker})`
    return `${isOk ? 'ok  ' : isRequired ? 'NOT ' : 'warn'} ${name}: ${sentence}${of}`
  })
  return [...lines, isReady ? 'ready' : 'not ready', ''].join('\n')
}
