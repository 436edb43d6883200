/**
 * Interface between a contract suite and an implementation: it creates a site, and nodes of that site. The replica of a
 * node is a set of texts instead of a swarm table.
 */
import { test } from 'vitest'
import type { LogSubscriber, SiteStore } from '../../src/replication/site-store.ts'

export interface TestSite {
  /** One more node, open. Closed with the test. */
  node(): Promise<TestNode>
  /** A new process in place of the only node, with the files that the node left on disk. Closed with the test. */
  restarted?(node: TestNode): Promise<TestNode>
}

export interface TestNode {
  readonly store: SiteStore
  readonly replica: TextReplica
}

/** The reason why a test does not apply to an implementation, by the name of the test. */
export type Skips = Readonly<Record<string, string>>

interface TextRecord {
  readonly isOwn: boolean
  readonly atMs: number
  isLogged: boolean
}

/** A replica for tests: texts instead of peers, and completion counts. */
export class TextReplica implements LogSubscriber {
  /** All texts from the log, in order and with repetitions. */
  readonly received: string[] = []
  readonly counts = new Map<string, number>()
  readonly shiftsMs: number[] = []
  #texts = new Map<string, TextRecord>()
  #store: SiteStore | undefined

  attach(store: SiteStore): void {
    this.#store = store
  }

  /** Stands for an announce to this node. */
  record(...texts: readonly string[]): void {
    for (const text of texts) {
      this.#texts.set(text, { isOwn: true, atMs: this.#store?.clock.nowMs() ?? 0, isLogged: false })
      this.#store?.log.append(Buffer.from(text))
    }
  }

  has(text: string): boolean {
    return this.#texts.has(text)
  }

  get texts(): string[] {
    return [...this.#texts.keys()].sort()
  }

  apply(batch: Buffer): void {
    for (const text of batch.toString().split('\n')) {
      this.received.push(text)
      const known = this.#texts.get(text)
      if (known === undefined) this.#texts.set(text, { isOwn: false, atMs: 0, isLogged: true })
      else known.isLogged = true
    }
  }

  *snapshotRecords(since: 'all' | { readonly sinceMs: number }): Iterable<Buffer> {
    const all = [...this.#texts].sort(([, a], [, b]) => Number(b.isOwn) - Number(a.isOwn))
    for (const [text, { isOwn, atMs, isLogged }] of all)
      if (since === 'all' ? !isLogged : isOwn && atMs >= since.sinceMs) yield Buffer.from(text)
  }

  forgetLogged(): void {
    for (const each of this.#texts.values()) each.isLogged = false
  }

  shiftTime(byMs: number): void {
    this.shiftsMs.push(byMs)
    this.#texts = new Map([...this.#texts].map(([text, each]) => [text, { ...each, atMs: each.atMs + byMs }]))
  }

  completed(infoHash: Buffer, count: number): void {
    this.counts.set(infoHash.toString('hex'), count)
  }

  *completionCounts(): Iterable<{ readonly infoHash: Buffer; readonly count: number }> {
    for (const [hex, count] of this.counts) yield { infoHash: Buffer.from(hex, 'hex'), count }
  }
}

/** Declares tests by their names; the title of a skipped test contains the reason. */
export function contractTests(skips: Skips): (name: string, expectContract: () => Promise<void>) => void {
  return (name, expectContract) => {
    const reason = skips[name]
    const suffix = reason === undefined ? '' : ` (not here: ${reason})`
    test.skipIf(reason !== undefined)(`${name}${suffix}`, () => expectContract())
  }
}
