/**
 * Finds every import in a source file: static, type-only, re-exported, for its effects, and dynamic.
 *
 * TypeScript 7 has no stable programming interface, so this is a scanner of the little that matters: it blanks
 * comments and the insides of other strings, and then looks for the few forms that name a module. What cannot be
 * read, such as a computed name, is returned as undefined, so that it can be refused.
 */

export interface Import {
  /** From 1. */
  readonly line: number
  /** As written: `../core/errors.ts`, `node:fs`, `fastify`. undefined where it is computed. */
  readonly from: string | undefined
}

/** `import … from 'x'` and `export … from 'x'` at the start of a line: nothing else can stand there in a module. */
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

/** Replaces comments by spaces, so that positions stay. Quotes inside comments and `//` inside strings are traps. */
export function blankComments(source: string): string {
  // Strings, templates and regular expressions are matched first, so that what looks like a comment in one is kept.
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
