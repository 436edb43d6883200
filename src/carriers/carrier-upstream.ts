/**
 * The carrier of another site that a torrent is fetched from, and the one before, while outstanding blocks of it still
 * arrive.
 */
import type { BlockRouter } from './block-router.ts'
import type { Holder } from './holder.ts'

export class CarrierUpstream {
  readonly #router: BlockRouter
  #current: Holder | undefined
  #retired: Holder | undefined

  constructor(router: BlockRouter) {
    this.#router = router
  }

  get current(): Holder | undefined {
    return this.#current
  }

  has(piece: number): boolean {
    return this.#current?.has(piece) === true
  }

  /** The one before is removed. `ready` of the router follows. */
  replace(upstream: Holder | undefined): void {
    if (this.#current !== undefined) this.#router.removeHolder(this.#current)
    this.#current = upstream
    if (upstream !== undefined) this.#router.addHolder(upstream)
  }

  /** It is not asked any more. */
  retire(): void {
    if (this.#current !== undefined) this.#router.retire(this.#current)
    this.#retired = this.#current
    this.#current = undefined
  }

  endRetired(): void {
    if (this.#retired !== undefined) this.#router.removeHolder(this.#retired)
    this.#retired = undefined
  }
}
