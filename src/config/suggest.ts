/** "Did you mean" suggestions: the known word closest to a mistyped one. */

/** The nearest of `known`, or undefined if none is close enough to be a typing mistake. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  // A third of the word: two letters of "tolopogy", one of "prot", none of "x".
  const distanceMax = Math.max(1, Math.floor(word.length / 3))
  // `warning` for `warn`, `reg` for `registered`.
  const start = known.find((candidate) => isStart(candidate, word) || isStart(word, candidate))
  if (start !== undefined) return start
  let nearest: string | undefined
  let nearestDistance = distanceMax + 1
  for (const candidate of known) {
    const distance = wordDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < nearestDistance && distance < candidate.length) {
      nearest = candidate
      nearestDistance = distance
    }
  }
  return nearest
}

/** `did you mean "port"?`, or the known words if there are few, or undefined. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const nearest = nearestWord(word, known)
  if (nearest !== undefined) return `did you mean "${nearest}"?`
  return known.length > 0 && known.length <= LISTED_MAX ? `known here: ${known.join(', ')}` : undefined
}

/** At least three letters: `e` is the start of too many words. */
function isStart(start: string, word: string): boolean {
  return start.length >= 3 && word.toLowerCase().startsWith(start.toLowerCase())
}

/** More words than this do not help on one line. */
const LISTED_MAX = 20

/** Edit distance: insertions, deletions, changes and swaps of two neighbours (optimal string alignment). */
function wordDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      const row = rows[i] ?? []
      if (i === 0 || j === 0) {
        row[j] = i + j
        continue
      }
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let distance = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) distance = Math.min(distance, at(i - 2, j - 2) + 1)
      row[j] = distance
    }
  }
  return at(a.length, b.length)
}
