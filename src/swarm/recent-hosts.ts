/** A few hosts, by the hash of their address; a new one replaces the oldest. Takes no memory while it is empty. */

/** More hosts of one site that misbehave at the same time are beyond what a tracker can correct. */
const HOSTS_MAX = 64

export class RecentHosts {
  #hosts: Set<number> | undefined = undefined

  get size(): number {
    return this.#hosts?.size ?? 0
  }

  has(host: number): boolean {
    return this.#hosts?.has(host) === true
  }

  /** 0 for a host that is not among them; of the others, the latest one has the highest number. */
  orderOf(host: number): number {
    if (!this.has(host)) return 0
    let order = 1
    for (const each of this.#hosts ?? []) {
      if (each === host) break
      order++
    }
    return order
  }

  add(host: number): void {
    const hosts = (this.#hosts ??= new Set())
    hosts.delete(host)
    hosts.add(host)
    const [oldest] = hosts
    if (hosts.size > HOSTS_MAX && oldest !== undefined) hosts.delete(oldest)
  }
}
