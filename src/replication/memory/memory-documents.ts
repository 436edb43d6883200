/** Documents of a site with one node: in memory, and in a file that is written with the snapshot. */
import type { DocumentListener, DocumentStore, LoadedSnapshot, SnapshotStore } from '../site-store.ts'

export class MemoryDocuments implements DocumentStore {
  readonly #file: SnapshotStore
  readonly #documents = new Map<string, string>()
  readonly #listeners: DocumentListener[] = []
  #isChanged = false

  constructor(file: SnapshotStore) {
    this.#file = file
  }

  /** Reads the file. */
  open(): Promise<LoadedSnapshot> {
    return this.#file.load((block) => {
      const [key, document] = JSON.parse(block.toString()) as [string, string]
      this.#documents.set(key, document)
      for (const listener of this.#listeners) listener(key, document)
    })
  }

  /** Writes the file, if a document changed. Rejects with the error of the file system. */
  async save(): Promise<void> {
    if (!this.#isChanged) return
    this.#isChanged = false
    try {
      // A copy: documents may change while it is written.
      await this.#file.save([...this.#documents].map((entry) => Buffer.from(JSON.stringify(entry))))
    } catch (error) {
      this.#isChanged = true
      throw error
    }
  }

  entries(): Iterable<readonly [string, string]> {
    return this.#documents
  }

  get(key: string): string | undefined {
    return this.#documents.get(key)
  }

  put(key: string, document: string): void {
    this.#documents.set(key, document)
    this.#isChanged = true
  }

  remove(key: string): void {
    if (this.#documents.delete(key)) this.#isChanged = true
  }

  onChange(listener: DocumentListener): void {
    this.#listeners.push(listener)
  }
}
