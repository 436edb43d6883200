/**
 * Finds every import in a source file: static, type-only, re-exported, for its effects, and dynamic.
 *
 * TypeScript 7 has no stable programming interface, so this is a small scanner: it blanks comments and then matches the
 * few forms that name a module. A computed name is returned as undefined, so that it can be rejected.
 */

export interface Import {
  /** From 1. */
  readonly line: number
  /** As written: `../core/errors.ts`, `node:fs`, `fastify`. undefined if computed. */
  readonly from: string | undefined
}

/** `import … from 'x'` and `export … from 'x'` at the start of a line. */
const STATIC = /^[ \t]*(?:import|export)\b[^'"`;=()]*?\bfrom\s*(['"])(.*?)\1/gm
const FOR_EFFECT = /^[ \t]*import\s*(['"])(.*?)\1/gm
/** `import('x')` as a value and as a type. */
const DYNAMIC = /\bimport\s*\(\s*(?:(['"])(.*?)\1\s*[,)])?/g
const REQUIRE = /\brequire\s*\(\s*(?:(['"])(.*?)\1\s*\))?/g

export function readImports(source: string): Import[] {
  const code = blankComments(source)
  return [STATIC, FOR_EFFECT, DYNAMIC, REQUIRE]
    .flatMap((form) => [...code.matchAll(form)])
    .map((match) => ({ line: lineOf(code, match.index + leadingSpace(match[0])), from: match[2] }))
    .toSorted((a, b) => a.line - b.line)
}

/** Replaces comments by spaces, so that positions stay valid. */
export function blankComments(source: string): string {
  // Strings, templates and regular expressions are matched first, so that `//` or `/*` inside one is not a comment.
  const token =
    /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<=[=(,:[!&|?{};\n]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|\/\/[^\n]*|\/\*[^]*?\*\//g
  return source.replace(token, (text) =>
    text.startsWith('//') || text.startsWith('/*') ? blank(text) : text,
  )
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

function leadingSpace(text: string): number {
  return text.length - text.trimStart().length
}

export function lineOf(source: string, index: number): number {
  return source.slice(0, index).split('\n').length
}
