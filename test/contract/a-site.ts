/**
 * What a contract suite knows of an implementation: how to make a site, and nodes in it. The nodes keep the simplest
 * memory there is, a set of sentences, in place of a swarm table.
 */
import { test } from 'vitest'
import type { LogSubscriber, SiteStore } from '../../src/replication/site-store.ts'

export interface TestSite {
  /** One more node, open. Closed with the test. */
  node(): Promise<TestNode>
  /** Another process at the place of the only node: what that left on disk is there. Closed with the test. */
  restarted?(node: TestNode): Promise<TestNode>
}

export interface TestNode {
  readonly store: SiteStore
  readonly memory: SentenceMemory
}

/** Why an implementation cannot do what a test asks for, by the name of the test. */
export type Skips = Readonly<Record<string, string>>

interface Sentence {
  readonly isOwn: boolean
  readonly atMs: number
  isLogged: boolean
}

/** A node's memory for tests: sentences instead of peers, and what it was told of completions. */
export class SentenceMemory implements LogSubscriber {
  /** In the order in which they came from the log, each as often as it came. */
  readonly heard: string[] = []
  readonly counts = new Map<string, number>()
  readonly shiftsMs: number[] = []
  forgotten = 0
  #sentences = new Map<string, Sentence>()
  #store: SiteStore | undefined

  attach(store: SiteStore): void {
    this.#store = store
  }

  /** What a client told this node. */
  hear(...sentences: readonly string[]): void {
    for (const sentence of sentences) {
      this.#sentences.set(sentence, { isOwn: true, atMs: this.#store?.clock.nowMs() ?? 0, isLogged: false })
      this.#store?.log.append(Buffer.from(sentence))
    }
  }

  knows(sentence: string): boolean {
    return this.#sentences.has(sentence)
  }

  get known(): string[] {
    return [...this.#sentences.keys()].sort()
  }

  apply(batch: Buffer): void {
    for (const sentence of batch.toString().split('\n')) {
      this.heard.push(sentence)
      const known = this.#sentences.get(sentence)
      if (known === undefined) this.#sentences.set(sentence, { isOwn: false, atMs: 0, isLogged: true })
      else known.isLogged = true
    }
  }

  *dump(since: 'all' | { readonly sinceMs: number }): Iterable<Buffer> {
    const all = [...this.#sentences].sort(([, a], [, b]) => Number(b.isOwn) - Number(a.isOwn))
    for (const [sentence, { isOwn, atMs, isLogged }] of all)
      if (since === 'all' ? !isLogged : isOwn && atMs >= since.sinceMs) yield Buffer.from(sentence)
  }

  forgetLogged(): void {
    this.forgotten++
    for (const sentence of this.#sentences.values()) sentence.isLogged = false
  }

  shiftTime(byMs: number): void {
    this.shiftsMs.push(byMs)
    this.#sentences = new Map(
      [...this.#sentences].map(([text, each]) => [text, { ...each, atMs: each.atMs + byMs }]),
    )
  }

  completed(infoHash: Buffer, count: number): void {
    this.counts.set(infoHash.toString('hex'), count)
  }

  *completionCounts(): Iterable<{ readonly infoHash: Buffer; readonly count: number }> {
    for (const [hex, count] of this.counts) yield { infoHash: Buffer.from(hex, 'hex'), count }
  }
}

/** Declares tests by their names; those that are to be skipped say why in their title. */
export function contractTests(skips: Skips): (name: string, expectHeld: () => Promise<void>) => void {
  return (name, expectHeld) => {
    const reason = skips[name]
    const note = reason === undefined ? '' : ` (not here: ${reason})`
    test.skipIf(reason !== undefined)(`${name}${note}`, () => expectHeld())
  }
}
