// @ts-check
/**
 * Counts words and phrases that plain technical English does without, in comments, strings and documents.
 *
 * `node test/architecture/count-words.mjs [PATH …]` lists each place with the standard way to write it, and prints the
 * number of words per 1,000 comment lines. `check-words.ts` turns the same list into a test.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {object} Prose
 * @property {'comment' | 'string' | 'text'} kind
 * @property {number} line from 1
 * @property {string} text
 */

const BE = '(?:is|are|was|were|be|been|being)'

/** Each with the standard way to write it. */
const habits = [
  {
    form: /\b(?:nobody|somebody|everybody|anybody|whoever|whomever|whom)\b/gi,
    say: 'the client, the node, no peer, each reader',
  },
  { form: /\b(?:he|his|him|himself)\b/gi, say: 'it, its, the client' },
  {
    form: phrase(
      `(?<!\\bthere )${BE} no (?!longer\\b|more\\b|less\\b|fewer\\b|earlier\\b|later\\b|sooner\\b|larger\\b|smaller\\b|other\\b)[a-z\`"-]+`,
    ),
    say: 'is not a …, there is no …',
  },
  { form: phrase(`(?<!\\bthere )${BE} none`), say: 'is not one, there is none' },
  {
    form: phrase('(?:turn|turns|turned|turning|send|sends|sent|sending)(?: [a-z]+){0,3}? away'),
    say: 'reject',
  },
  {
    form: phrase('pass(?:ed|es)? (?:it |them )?over(?! (?:the|a|an|all|each|every)\\b)'),
    say: 'skip, ignore',
  },
  {
    form: phrase('let be|let it be|(?:let|leave|leaves|left|leaving)(?: (?:it|them|that))? alone'),
    say: 'not changed, disconnected, ignored',
  },
  { form: phrase('for ever'), say: 'permanently, without limit' },
  { form: phrase('for good(?! (?:reason|measure))'), say: 'permanently' },
  { form: phrase('for want of'), say: 'without, because … is missing' },
  { form: phrase('taken? at (?:his|its|their) words?|believ(?:e|es|ed|ing)'), say: 'trust, accept' },
  { form: phrase('in force'), say: 'current' },
  { form: phrase('hears?|heard|hearing'), say: 'receive, last seen, connected, is told' },
  {
    form: phrase(
      '(?:say|says|said|saying|tell|tells|told|telling|speak|speaks) of|speaks? for (?:itself|themselves)',
    ),
    say: 'advertise, report, contain, hand out; authoritative',
  },
  { form: phrase(`${BE} said|(?:say|says|said) nothing`), say: 'is sent, is reported; is silent, has no …' },
  { form: phrase('(?:know|knows|knew|known) (?:of|nothing)'), say: 'has, contains, includes' },
  // Alone in a string it is the role of the API.
  { form: /(?!^needy$)\bneedy\b/gi, say: 'leecher' },
  { form: phrase('asker'), say: 'requester' },
  { form: phrase('newcomers?'), say: 'new peers, new requests' },
  { form: /\b(?:such as it|as it was,|means ill)/gi, say: 'in plain words' },
  { form: /(?<!\bas [a-z]+ )\bas (?:it is|they are)(?=[.,;:)]|$)/gim, say: 'unchanged' },
  { form: phrase('nonsense'), say: 'protocol violation, malformed' },
  { form: phrase('troubles?'), say: 'error, failure, problem' },
  { form: phrase('(?:make|makes|made) a mistake'), say: 'internal error' },
  { form: phrase('anew'), say: 'again, from scratch; reload, rewrite' },
  { form: phrase('again and again'), say: 'repeatedly' },
  { form: phrase('in vain'), say: 'without result; until it gives up' },
  { form: phrase('without a word'), say: 'silently' },
  { form: phrase('(?:stand|stands|stood|standing) still'), say: 'stop, stall, be suspended' },
  { form: phrase('(?:go|goes|going|went|gone) away'), say: 'drain, stop, close, disappear' },
  { form: phrase(`(?:${BE}|stay|stays|stayed) away`), say: 'is down, is unavailable; does not return' },
  { form: phrase(`${BE} there again`), say: 'is available again' },
  { form: phrase('(?:throw|throws|threw|thrown|throwing) (?:it |them )?away'), say: 'drop, discard' },
  { form: phrase(`${BE} looked at`), say: 'is checked, polled, scanned' },
  { form: phrase('whatever'), say: 'any, every, regardless of' },
  { form: phrase('however (?:many|much|often|old|long)'), say: 'regardless of the number, age, …' },
  { form: phrase('what (?:it|they) (?:has|have|had|is|are|was|were)'), say: 'its …; the former …' },
  { form: phrase(`${BE} told`), say: 'receives, is handed, is notified' },
  { form: phrase('says so'), say: 'reports it' },
  { form: phrase('go(?:es)? on(?! (?:the|a)\\b)|went on'), say: 'continue' },
  { form: phrase('(?:come|comes|came|coming) back'), say: 'return, retry, reconnect, announce again' },
  { form: phrase('(?<!socket )(?:hang|hangs|hung|hanging) up'), say: 'close the connection, disconnect' },
  { form: phrase('(?:fall|falls|fell|fallen) silent'), say: 'stop sending' },
  {
    form: phrase('(?:take|takes|took|taken) (?:(?:it|them|this|that) )?for(?! granted)'),
    say: 'treat as, assume',
  },
  { form: phrase('(?:be|been) had'), say: 'available, usable' },
  { form: phrase('next to nothing'), say: 'almost nothing' },
  { form: phrase('so many(?! (?:[a-z]+ ){0,2}that)'), say: 'N, this many, the number of …' },
  { form: phrase('mend(?:s|ed|ing)?'), say: 'repair, reconnect' },
]

/** @param {string} words */
function phrase(words) {
  return new RegExp(`\\b(?:${words})\\b`, 'gi')
}

/** A sentence that opens with one of these names its subject last. */
const RIDDLE = /^(?:What|Who|Whom|Whose|Which|Whether)\b/

/** A header that opens with one of these begins with neither a noun nor a verb. */
const HEADER_RIDDLE =
  /^(?:What|Who|Whom|Whose|Which|Whether|How|Where|When|While|Why|If|So|Since|Because|Although|Until|That|There|This|It|From|For|In|On|At|By|Of|To|With|Without|Beside|Between)\b/

const TOKEN =
  /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<=[=(,:[!&|?{};\n]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|\/\/[^\n]*|\/\*[^]*?\*\//g

/**
 * The prose of a file in order: comments and strings of code, the text of documents and of everything else.
 *
 * @param {string} file its name, which tells the language
 * @param {string} source
 * @returns {Prose[]}
 */
export function proseOf(file, source) {
  switch (extname(file)) {
    case '.tsx':
      return [...scriptProse(source), ...elementProse(source)]
    case '.ts':
    case '.mjs':
    case '.js':
      return scriptProse(source)
    case '.lua':
      return [...source.matchAll(/--[^\n]*/g)].map(({ 0: text, index }) => ({
        kind: /** @type {const} */ ('comment'),
        line: lineOf(source, index),
        text: text.slice(2),
      }))
    case '.md':
      return [{ kind: 'text', line: 1, text: markdownProse(source) }]
    default:
      return [{ kind: 'text', line: 1, text: source }]
  }
}

/**
 * Module names are not prose, nor is an expression inside a template.
 *
 * @param {string} source
 * @returns {Prose[]}
 */
function scriptProse(source) {
  /** @type {Prose[]} */
  const found = []
  for (const match of source.matchAll(TOKEN)) {
    const [text] = match
    const line = lineOf(source, match.index)
    if (text.startsWith('/*')) found.push({ kind: 'comment', line, text: text.slice(2, -2) })
    else if (text.startsWith('//')) found.push({ kind: 'comment', line, text: text.slice(2) })
    else if (text.startsWith('`'))
      found.push({ kind: 'string', line, text: text.slice(1, -1).replace(/\$\{[^{}]*\}/g, blank) })
    else if (!text.startsWith('/') && !/^..?\.?\//.test(text))
      found.push({ kind: 'string', line, text: text.slice(1, -1) })
  }
  return found
}

/**
 * Text between two tags.
 *
 * @param {string} source
 * @returns {Prose[]}
 */
function elementProse(source) {
  return [...source.matchAll(/>([^<>{}=;()]*[a-z][^<>{}=;()]*)[<{]/gi)].map(({ 1: text = '', index }) => ({
    kind: /** @type {const} */ ('string'),
    line: lineOf(source, index),
    text,
  }))
}

/**
 * Blanks code blocks, code spans and link targets, so that lines keep their numbers.
 *
 * @param {string} source
 */
function markdownProse(source) {
  return source
    .replace(/^( *)(```+)[^\n]*\n[^]*?\n\1\2[^\n]*$/gm, blank)
    .replace(/(`+)[^`](?:[^]*?[^`])??\1(?!`)/g, blank)
    .replace(/\]\([^)\n]*\)/g, blank)
}

/** @param {string} text */
function blank(text) {
  return text.replace(/[^\n]/g, ' ')
}

/**
 * @param {string} source
 * @param {number} index
 */
function lineOf(source, index) {
  return source.slice(0, index).split('\n').length
}

/**
 * Every habit in the prose of a file.
 *
 * @param {string} file
 * @param {string} source
 */
export function habitsIn(file, source) {
  return proseOf(file, source).flatMap(habitsOf)
}

/**
 * A phrase may continue on the next line of a comment.
 *
 * @param {Prose} prose
 */
function habitsOf({ line, text }) {
  const flat = squeeze(
    text.replace(/\n[ \t]*(?:\*|\/\/|#|--)?[ \t]*/g, (margin) => margin.replace(/[^]/g, ' ')),
  )
  return habits.flatMap(({ form, say }) =>
    [...flat.text.matchAll(form)].map((match) => ({
      line: line + lineOf(text, flat.positions[match.index] ?? 0) - 1,
      word: match[0],
      say,
    })),
  )
}

/**
 * One blank for each run of blanks, and where each remaining character was.
 *
 * @param {string} text
 */
function squeeze(text) {
  /** @type {number[]} */
  const positions = []
  let squeezed = ''
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ' ' && squeezed.endsWith(' ')) continue
    squeezed += text[at]
    positions.push(at)
  }
  return { text: squeezed, positions }
}

/**
 * The text of a comment without its stars.
 *
 * @param {string} comment
 */
function plainText(comment) {
  return comment
    .replace(/^\*/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()
}

/**
 * @param {string} comment
 * @returns {string[]}
 */
function sentencesOf(comment) {
  return plainText(comment)
    .split(/(?<=[.!?:])\s+(?=[A-Z`"])/)
    .filter((sentence) => /^[A-Z]/.test(sentence))
}

/**
 * The comment that opens a script; undefined where there is none.
 *
 * @param {string} file
 * @param {string} source
 */
export function headerOf(file, source) {
  const first = proseOf(file, source).find(({ text }) => text.trim() !== '@ts-check')
  return first?.kind === 'comment' ? plainText(first.text) : undefined
}

/** @param {string} header */
export function isHeaderRiddle(header) {
  return HEADER_RIDDLE.test(header)
}

/**
 * Counts over many files, as the report prints them.
 *
 * @param {readonly { readonly file: string, readonly source: string }[]} files
 */
export function summarize(files) {
  const total = { commentLines: 0, words: 0, sentences: 0, riddles: 0 }
  for (const { file, source } of files)
    for (const prose of proseOf(file, source)) {
      const { kind, text } = prose
      if (kind !== 'comment') continue
      total.commentLines += text.split('\n').length
      total.words += habitsOf(prose).length
      const sentences = sentencesOf(text)
      total.sentences += sentences.length
      total.riddles += sentences.filter((sentence) => RIDDLE.test(sentence)).length
    }
  return total
}

const WITH_PROSE =
  /(?:\.(?:tsx?|mjs|js|lua|py|sh|md|ya?ml|conf|env|service)|grafana\/.*\.json|\.oxlintrc\.json|Dockerfile|\.ci\/run)$/

/**
 * The files with prose at a path, sorted.
 *
 * @param {string} path
 * @returns {string[]}
 */
export function sourceFiles(path) {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((file) => join(path, file))
    .filter(
      (file) => WITH_PROSE.test(file) && !/node_modules|lab\/results/.test(file) && statSync(file).isFile(),
    )
    .toSorted()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const paths = process.argv.slice(2)
  const files = (paths.length > 0 ? paths : ['src'])
    .flatMap(sourceFiles)
    .map((file) => ({ file, source: readFileSync(file, 'utf8') }))
  let places = 0
  for (const { file, source } of files) {
    for (const { line, word, say } of habitsIn(file, source)) {
      process.stdout.write(`${file}:${line}  "${word}": ${say}\n`)
      places++
    }
    const header = headerOf(file, source)
    if (header !== undefined && isHeaderRiddle(header))
      process.stdout.write(`${file}:1  header: ${header.slice(0, 80)}\n`)
  }
  const { commentLines, words, sentences, riddles } = summarize(files)
  const perThousand = commentLines === 0 ? '' : `, ${((1000 * words) / commentLines).toFixed(1)} per 1,000`
  const share = sentences === 0 ? '' : `, ${((100 * riddles) / sentences).toFixed(1)} %`
  process.stdout.write(
    `${files.length} files, ${places} places; ${words} words in ${commentLines} comment lines${perThousand}; ` +
      `${riddles} of ${sentences} sentences open with What, Who, Which or Whether${share}\n`,
  )
}
