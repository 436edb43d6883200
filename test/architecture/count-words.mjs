/**
 * Words that plain technical English does without, counted in comments and in strings.
 *
 * `node test/architecture/count-words.mjs [PATH …]` prints each place, and a summary as words per 1,000 comment lines.
 * `check-words.ts` turns the same list into a test.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Each with the standard way to say it. */
export const habits = [
  {
    form: /\b(?:nobody|somebody|everybody|anybody|whoever|whomever|whom)\b/gi,
    say: 'the client, the node, no peer, each reader',
  },
  { form: /\b(?:he|his|him|himself)\b/gi, say: 'it, its, the client' },
  {
    form: /\b(?:is|are|was|were|be|been|being) no (?!longer\b|more\b|less\b|fewer\b|earlier\b|later\b|sooner\b|larger\b|smaller\b|other\b)[a-z`"-]+/gi,
    say: 'is not a …, there is no …',
  },
  { form: /\b(?:turned|sent) away\b/gi, say: 'rejected' },
  { form: /\bpass(?:ed|es)? over\b/gi, say: 'skipped, ignored' },
  { form: /\b(?:let be|left alone|let alone)\b/gi, say: 'not changed, disconnected, ignored' },
  { form: /\bfor ever\b/gi, say: 'permanently, without limit' },
  { form: /\bfor want of\b/gi, say: 'without, because … is missing' },
  { form: /\btaken? at (?:his|its|their) words?\b/gi, say: 'trusted' },
  { form: /\bin force\b/gi, say: 'current' },
  { form: /\b(?:hears?|heard|hearing)\b/gi, say: 'receive, last seen, connected, is told' },
  { form: /\bneedy\b/gi, say: 'leecher' },
  { form: /\basker\b/gi, say: 'requester' },
  { form: /\b(?:such as it|as it was,|means ill)\b/gi, say: 'in plain words' },
  { form: /\bnonsense\b/gi, say: 'protocol violation, malformed' },
]

/** A sentence that opens with one of these names its subject last. */
const RIDDLE = /^(?:What|Who|Whom|Whose|Which|Whether)\b/

/** Comments and string contents of TypeScript or JavaScript source: `{ kind, line, text }`, in order. */
export function proseOf(source) {
  const token =
    /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<=[=(,:[!&|?{};\n]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|\/\/[^\n]*|\/\*[^]*?\*\//g
  const found = []
  for (const match of source.matchAll(token)) {
    const [text] = match
    const line = source.slice(0, match.index).split('\n').length
    if (text.startsWith('/*')) found.push({ kind: 'comment', line, text: text.slice(2, -2) })
    else if (text.startsWith('//')) found.push({ kind: 'comment', line, text: text.slice(2) })
    else if (!text.startsWith('/')) found.push({ kind: 'string', line, text: text.slice(1, -1) })
  }
  return found
}

/** `{ line, word, say }` for each habit in a file's prose. */
export function habitsIn(source) {
  return proseOf(source).flatMap(({ line, text }) =>
    habits.flatMap(({ form, say }) =>
      [...text.matchAll(form)].map((match) => ({
        line: line + text.slice(0, match.index).split('\n').length - 1,
        word: match[0],
        say,
      })),
    ),
  )
}

/** The text of a comment without its stars, and its sentences. */
function sentencesOf(text) {
  const plain = text
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()
  return plain.split(/(?<=[.!?:])\s+(?=[A-Z`"])/).filter((sentence) => /^[A-Z]/.test(sentence))
}

/** The first sentence of the comment that opens a file; undefined where there is none. */
export function headerOf(source) {
  const [first] = proseOf(source)
  return first?.kind === 'comment' ? sentencesOf(first.text.replace(/^\*/, ''))[0] : undefined
}

export function opensAsRiddle(sentence) {
  return RIDDLE.test(sentence)
}

/** Counts over many sources, as the report prints them. */
export function summarize(sources) {
  let commentLines = 0
  let words = 0
  let sentences = 0
  let riddles = 0
  for (const source of sources)
    for (const { kind, text } of proseOf(source)) {
      if (kind !== 'comment') continue
      commentLines += text.split('\n').length
      for (const { form } of habits) words += [...text.matchAll(form)].length
      for (const sentence of sentencesOf(text.replace(/^\*/, ''))) {
        sentences++
        if (opensAsRiddle(sentence)) riddles++
      }
    }
  return { commentLines, words, sentences, riddles }
}

export function sourceFiles(path) {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((file) => join(path, file))
    .filter(
      (file) => /\.(?:ts|mjs|js)$/.test(file) && !file.includes('node_modules') && statSync(file).isFile(),
    )
    .toSorted()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const paths = process.argv.slice(2)
  const files = (paths.length > 0 ? paths : ['src']).flatMap(sourceFiles)
  for (const file of files) {
    const source = readFileSync(file, 'utf8')
    for (const { line, word, say } of habitsIn(source))
      process.stdout.write(`${file}:${line}  "${word}": ${say}\n`)
    const header = headerOf(source)
    if (header !== undefined && opensAsRiddle(header))
      process.stdout.write(`${file}:1  header: ${header.slice(0, 80)}\n`)
  }
  const { commentLines, words, sentences, riddles } = summarize(
    files.map((file) => readFileSync(file, 'utf8')),
  )
  process.stdout.write(
    `${files.length} files, ${commentLines} comment lines: ${((1000 * words) / commentLines).toFixed(1)} words per 1,000, ` +
      `${((100 * riddles) / sentences).toFixed(1)} % of ${sentences} sentences open with What, Who, Which or Whether\n`,
  )
}
