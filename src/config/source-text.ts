/**
 * A named text, and the presentation of a position in it: line, column, excerpt with carets.
 *
 * Excerpts end up in logs and tickets, so tokens and passwords in them are masked.
 */
import type { Problem } from '../core/errors.ts'

/** Offsets into the text; `end` is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Finding {
  /** As in `Problem`. */
  readonly kind?: string | undefined
  readonly message: string
  readonly hint?: string | undefined
  /** Related positions; their lines are shown above. */
  readonly context?: readonly (Span | undefined)[]
}

export class SourceText {
  readonly name: string
  readonly text: string
  readonly #masked: string
  /** Offset of the first character of each line. */
  readonly #lineStarts: readonly number[]

  constructor(name: string, text: string) {
    this.name = name
    this.text = text
    this.#masked = maskSecrets(text)
    const starts = [0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#lineStarts = starts
  }

  slice(span: Span): string {
    return this.text.slice(span.start, span.end)
  }

  /** From 1. */
  lineOf(offset: number): number {
    let low = 0
    let high = this.#lineStarts.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }

  problemAt(span: Span, finding: Finding): Problem {
    const line = this.lineOf(span.start)
    const column = span.start - (this.#lineStarts[line - 1] ?? 0) + 1
    return {
      ...(finding.kind === undefined ? {} : { kind: finding.kind }),
      file: this.name,
      line,
      column,
      message: finding.message,
      ...(finding.hint === undefined ? {} : { hint: finding.hint }),
      excerpt: this.#excerpt({ line, column, length: span.end - span.start, context: finding.context ?? [] }),
    }
  }

  /** A problem of the whole text. */
  problem(message: string, hint?: string): Problem {
    return { file: this.name, line: 0, column: 0, message, ...(hint === undefined ? {} : { hint }) }
  }

  #excerpt(mark: {
    line: number
    column: number
    length: number
    context: readonly (Span | undefined)[]
  }): string {
    const context = mark.context.flatMap((span) => (span === undefined ? [] : [this.lineOf(span.start)]))
    const shown = [...new Set(context)].filter((line) => line < mark.line).toSorted((a, b) => a - b)
    const gutter = Math.max(GUTTER_COLUMNS, `${mark.line}`.length)
    const row = (label: string, text: string) => `${label.padStart(gutter)} | ${text}`.trimEnd()

    const line = this.#line(mark.line)
    const from = line.length > LINE_COLUMNS_MAX ? Math.max(0, mark.column - 1 - CUT_BEFORE_COLUMNS) : 0
    const lead = from > 0 ? '… ' : ''
    const window = line.slice(from, from + LINE_COLUMNS_MAX)
    const tail = from + LINE_COLUMNS_MAX < line.length ? ' …' : ''
    // A tab is as wide in the line of carets as above it.
    const indent = lead.replace('…', ' ') + line.slice(from, mark.column - 1).replaceAll(/[^\t]/g, ' ')
    const carets = Math.max(1, Math.min(mark.length, from + window.length - mark.column + 1))
    return [
      ...shown.map((number) => row(`${number}`, this.#line(number).slice(0, LINE_COLUMNS_MAX))),
      row(`${mark.line}`, lead + window + tail),
      row('', indent + '^'.repeat(carets)),
    ].join('\n')
  }

  #line(number: number): string {
    const start = this.#lineStarts[number - 1] ?? 0
    const end = this.#lineStarts[number] ?? this.#masked.length + 1
    const line = this.#masked.slice(start, end - 1)
    // Not a regular expression, which would scan a line of a megabyte for each of its problems.
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
}

/** Four digits: most files have fewer than 10,000 lines. */
const GUTTER_COLUMNS = 4

/** Width of a terminal line; longer lines are cut around the position. */
const LINE_COLUMNS_MAX = 100
const CUT_BEFORE_COLUMNS = 30

/** Preserves every offset. Works on the bare text, because a file that cannot be parsed contains secrets too. */
function maskSecrets(text: string): string {
  const stars = (_all: string, before: string, secret: string) => before + '*'.repeat(secret.length)
  return text
    .replaceAll(
      /(\b(?:token|secret)["']?[ \t]*:[ \t]*)("[^"\n]*|'[^'\n]*|[^\s"'][^\n,}]*?(?=[ \t]*(?:[\n,}]|$)))/g,
      stars,
    )
    .replaceAll(/(:\/\/[^\s/@:]*:)([^\s/@]+)(?=@)/g, stars)
}
