/** Rules that keep the source readable and testable, as far as a program can check them. */
import { blankComments, lineOf } from './read-imports.ts'

/** A longer file probably has a second subject. Function sizes are checked by the linter. */
const LINES_MAX = 400

/** Folders are subjects; these are kinds. */
const KINDS = new Set(['utils', 'util', 'types', 'helpers', 'common', 'classes', 'lib', 'misc', 'shared'])

interface Habit {
  readonly form: RegExp
  readonly rule: string
  /** Files that the rule does not apply to. */
  readonly except?: readonly string[]
}

const HABITS: readonly Habit[] = [
  {
    form: /\bDate\.now\s*\(|\bnew Date\s*\(\s*\)/g,
    rule: 'read the time through Clock; only core/clock.ts uses the system clock',
    except: ['core/clock.ts'],
  },
  {
    form: /\bperformance\.now\s*\(|\bprocess\.hrtime\b/g,
    rule: 'measure durations with elapsedMs of core/clock.ts',
    except: ['core/clock.ts'],
  },
  {
    form: /\bMath\.random\b|\brandom(?:Bytes|Int|UUID|FillSync|Fill)\s*\(|\bgetRandomValues\b/g,
    rule: 'draw random numbers through Random; only core/random.ts uses the system generator',
    except: ['core/random.ts'],
  },
  {
    form: /\bconsole\./g,
    rule: 'write results through CommandContext, everything else through Log',
  },
  {
    form: /\bprocess\.exit\s*\(/g,
    rule: 'the process ends when its work is done; only main.ts may exit early',
    except: ['main.ts'],
  },
]

/** `file` is relative to src/. */
export function checkTidiness(file: string, source: string): string[] {
  const found: string[] = []
  const lines = source.trimEnd().split('\n').length
  if (lines > LINES_MAX)
    found.push(`src/${file}: ${lines} lines; look for the second subject at ${LINES_MAX}`)
  if (!/^(?:#![^\n]*\n)?\/(?:\*|\/)/.test(source)) {
    found.push(`src/${file}:1  a file opens with a comment that describes its purpose`)
  }
  if (!/^[a-z0-9-]+(?:\/[a-z0-9-]+)*(?:\.d)?\.tsx?$/.test(file))
    found.push(`src/${file}: names are kebab-case`)
  for (const folder of file.split('/').slice(0, -1)) {
    if (KINDS.has(folder))
      found.push(`src/${file}: folders are named after subjects, and "${folder}" is not one`)
  }

  const code = blankComments(source)
  for (const { form, rule, except = [] } of HABITS) {
    if (except.includes(file)) continue
    for (const match of code.matchAll(form)) {
      found.push(`src/${file}:${lineOf(code, match.index)}  ${match[0].trim()}: ${rule}`)
    }
  }
  return found
}
