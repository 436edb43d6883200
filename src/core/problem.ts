/**
 * Problems of files, and their presentation on one page of a terminal. A file that a program exported repeats one mistake
 * thousands of times; the first few show it, and the others of that kind are counted.
 */

export interface Problem {
  /** Equal for problems that differ only in names and values. Problems without one are equal if their messages are. */
  readonly kind?: string
  /** A file or an environment variable. */
  readonly file: string
  /** From 1; 0 if the problem is not in a single line. */
  readonly line: number
  /** From 1; 0 if the problem is not in a single line. */
  readonly column: number
  readonly message: string
  /** Tells the operator what to do. */
  readonly hint?: string
  /** Surrounding lines of the file, ending with carets under the position. Secrets are masked. */
  readonly excerpt?: string
}

/** A page, less some lines for what is printed before and after. */
const PAGE_LINES = 46

/** Shown of each kind if not all fit: as many of these as do. */
const SHOWN_PER_KIND = [3, 2, 1]

interface Shown {
  readonly problem: Problem
  /** Problems of this kind that are not shown; above 0 only in the last one shown. */
  readonly hidden: number
}

/** Blocks for a blank line between each. All problems, if they fit on a page. */
export function problemPage(problems: readonly Problem[]): string[] {
  for (const perKind of [Infinity, ...SHOWN_PER_KIND]) {
    const blocks = firstOfEachKind(problems, perKind).map(formatShown)
    if (linesOf(blocks) <= PAGE_LINES) return blocks
  }
  // Dozens of kinds: one line each, without the excerpt.
  const lines = firstOfEachKind(problems, 1).map(({ problem, hidden }) => heading(problem) + counted(hidden))
  const more = lines.length - (PAGE_LINES - 1)
  if (more <= 0) return [lines.join('\n')]
  return [[...lines.slice(0, PAGE_LINES - 1), `and problems of ${more} more kinds`].join('\n')]
}

/** For a log: a few of each kind, the last one with the number of the others in its message. */
export function summarized(problems: readonly Problem[]): Problem[] {
  return firstOfEachKind(problems, SHOWN_PER_KIND[0] ?? 1).map(({ problem, hidden }) =>
    hidden === 0 ? problem : { ...problem, message: problem.message + counted(hidden) },
  )
}

/** In the order of the problems. */
function firstOfEachKind(problems: readonly Problem[], perKind: number): Shown[] {
  const total = new Map<string, number>()
  for (const problem of problems) total.set(kindOf(problem), (total.get(kindOf(problem)) ?? 0) + 1)
  const shown = new Map<string, number>()
  return problems.flatMap((problem) => {
    const kind = kindOf(problem)
    const count = (shown.get(kind) ?? 0) + 1
    shown.set(kind, count)
    if (count > perKind) return []
    return [{ problem, hidden: count === perKind ? (total.get(kind) ?? 0) - count : 0 }]
  })
}

/** Puts the hint behind the carets, or on a separate line without an excerpt. */
export function formatProblem(problem: Problem): string {
  const { hint, excerpt } = problem
  if (excerpt === undefined) return hint === undefined ? heading(problem) : `${heading(problem)}\n  ${hint}`
  return hint === undefined ? `${heading(problem)}\n${excerpt}` : `${heading(problem)}\n${excerpt} ${hint}`
}

function heading({ file, line, column, message }: Problem): string {
  return line === 0 ? `${file}  ${message}` : `${file}:${line}:${column}  ${message}`
}

function formatShown({ problem, hidden }: Shown): string {
  return hidden === 0 ? formatProblem(problem) : `${formatProblem(problem)}\n ${counted(hidden)}`
}

function counted(hidden: number): string {
  return hidden === 0 ? '' : ` and ${hidden} more of this kind`
}

function kindOf({ kind, file, message }: Problem): string {
  return `${file}\n${kind ?? message}`
}

/** A blank line stands between two blocks. */
function linesOf(blocks: readonly string[]): number {
  return blocks.reduce((sum, block) => sum + block.split('\n').length, blocks.length - 1)
}
