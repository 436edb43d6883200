/** Kept inputs of a target: a smallest known set that reaches all code that fuzzing has reached. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { FuzzTarget } from './fuzz-target.ts'

/** Relative to the root of the repository, in which npm runs. */
const SEEDS = join('test', 'fuzz', 'seeds')

/** Examples of the target and its kept inputs, in an order that does not depend on the file system. */
export function seedsOf({ name, examples }: FuzzTarget): Buffer[] {
  const directory = join(SEEDS, name)
  let files: string[] = []
  try {
    files = readdirSync(directory).toSorted()
  } catch {
    // A new target has none.
  }
  return [
    ...examples.map((example) => (typeof example === 'string' ? Buffer.from(example, 'latin1') : example)),
    ...files.map((file) => readFileSync(join(directory, file))),
  ]
}

export function replaceSeeds({ name }: FuzzTarget, inputs: readonly Buffer[]): void {
  const directory = join(SEEDS, name)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const input of inputs) writeFileSync(join(directory, inputName(input)), input)
}

export function inputName(input: Buffer): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16)
}
