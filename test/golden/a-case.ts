/**
 * Golden cases: files with an input, a line of dashes, and the expected output. A person read the expected part
 * before it was committed; a difference is a change in the output that operators see.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface GoldenCase {
  readonly name: string
  readonly input: string
  readonly expected: string
}

/** Longer than the document separator of YAML. */
const SEPARATOR = `${'-'.repeat(20)}\n`

export function readCases(folder: string): GoldenCase[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.case'))
  return files.map((file) => {
    const text = readFileSync(join(folder, file), 'utf8')
    const at = text.indexOf(SEPARATOR)
    if (at < 0) throw new Error(`${join(folder, file)} has no line of ${SEPARATOR.length - 1} dashes`)
    return {
      name: basename(file, '.case').replaceAll('-', ' '),
      input: text.slice(0, at),
      expected: text.slice(at + SEPARATOR.length).trimEnd(),
    }
  })
}
