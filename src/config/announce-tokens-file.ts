/** Reads the file of announce tokens: a name and a token on each line. */
import type { TokenTable } from '../core/announce-tokens.ts'
import { ConfigError, type Problem } from '../core/errors.ts'
import { readText } from './yaml-file.ts'

/*
  Line => name, white space, token; empty, or a comment after #
  token   8 to 128 characters that need no escape in a URL
*/
const LINE = /^(\S+)\s+(\S+)$/
const TOKEN = /^[\w.~-]{8,128}$/

/** Throws a `ConfigError` with every problem. */
export function readAnnounceTokens(path: string): TokenTable {
  const table = new Map<string, string[]>()
  const problems: Problem[] = []
  const lines = readText(path, 'name an existing file').split('\n')
  for (const [index, raw] of lines.entries()) {
    const line = raw.replace(/#.*$/, '').trim()
    if (line === '') continue
    const [, name = '', token = ''] = LINE.exec(line) ?? []
    // The problem does not repeat the line: it may contain a token.
    if (!TOKEN.test(token)) {
      problems.push({
        file: path,
        line: index + 1,
        column: 1,
        message: 'expected a name and a token of 8 to 128 letters, digits, and any of . _ ~ -',
        hint: 'make a token with: openssl rand -hex 16',
      })
      continue
    }
    table.set(name, [...(table.get(name) ?? []), token])
  }
  if (problems.length > 0) throw new ConfigError(problems)
  if (table.size === 0)
    throw new ConfigError([
      {
        file: path,
        line: 1,
        column: 1,
        message: 'the file has no token, so that every announce would be accepted',
        hint: 'add a line such as "default" and a token, or remove announce.tokenFile',
      },
    ])
  return table
}
