/**
 * Plain technical English: no word of the list in count-words.mjs, headers that open with a noun or a verb, and few
 * sentences that open with What, Who, Which or Whether.
 */
import { habitsIn, headerOf, isHeaderRiddle, summarize } from './count-words.mjs'

export interface TextFile {
  /** From the root of the repository: `src/swarm/swarm.ts`. */
  readonly file: string
  readonly source: string
}

/** Share of the sentences in comments that may open with What, Who, Which or Whether; one is always allowed. */
const RIDDLES_MAX = 0.02

/**
 * The unit of the check: a room of `src` or `test/unit`, another folder of `test`, a folder at the root, or one document.
 * `src/swarm/swarm.ts` is in `src/swarm`, `test/a-node.ts` in `test`, `lab/clients/aria2.ts` in `lab`.
 */
export function areaOf(file: string): string {
  if (file.endsWith('.md')) return file
  const [root = '.', folder, sub] = file.split('/').slice(0, -1)
  if (root === 'test' && folder === 'unit' && sub !== undefined) return `test/unit/${sub}`
  return (root === 'test' || root === 'src') && folder !== undefined ? `${root}/${folder}` : root
}

/** Each place that is not in plain technical English. */
export function checkWords(files: readonly TextFile[]): string[] {
  const found = files.flatMap(({ file, source }) => {
    const words = habitsIn(file, source).map(({ line, word, say }) => `${file}:${line}  "${word}": ${say}`)
    const header = headerOf(file, source)
    return header !== undefined && isHeaderRiddle(header)
      ? [...words, `${file}:1  a header opens with a noun or a verb: ${header.slice(0, 60)} …`]
      : words
  })
  for (const [area, members] of byArea(files)) {
    const { sentences, riddles } = summarize(members)
    const riddlesMax = Math.max(1, Math.floor(sentences * RIDDLES_MAX))
    if (riddles > riddlesMax)
      found.push(
        `${area}: ${riddles} of ${sentences} sentences open with What, Who, Which or Whether; at most ${riddlesMax}`,
      )
  }
  return found
}

function byArea(files: readonly TextFile[]): Map<string, TextFile[]> {
  const areas = new Map<string, TextFile[]>()
  for (const each of files) {
    const area = areaOf(each.file)
    areas.set(area, [...(areas.get(area) ?? []), each])
  }
  return areas
}
