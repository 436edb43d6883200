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

export interface Readiness {
  /** Every required check is ok. */
  readonly isReady: boolean
  /** A line for each check, then `ready` or `not ready`. */
  readonly body: string
}

export class Health {
  readonly #checks: readonly Check[]

  constructor(checks: readonly Check[]) {
    this.#checks = checks
  }

  readiness(): Readiness {
    let isReady = true
    const lines = this.#checks.map(({ name, isRequired, read }) => {
      const { isOk, sentence } = read()
      if (isRequired && !isOk) isReady = false
      return `${isOk ? 'ok  ' : isRequired ? 'NOT ' : 'warn'} ${name}: ${sentence}`
    })
    return { isReady, body: [...lines, isReady ? 'ready' : 'not ready', ''].join('\n') }
  }
}
