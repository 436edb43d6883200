/** Tokens and secrets of the configuration: written in the file, or in a file of their own. */
import { ConfigError, type Problem } from '../core/errors.ts'
import type { NodeFile } from './schema.ts'
import type { Finding } from './source-text.ts'
import { token } from './values.ts'
import { readText } from './yaml-file.ts'

/** Positions and paths of the keys of a configuration. */
export interface ValueSource {
  problemAt(path: readonly string[], finding: Finding): Problem
  /** The absolute path of a key. */
  resolve(key: readonly string[], written: string): string
}

export type SecretOwner = 'admin' | 'federation' | 'webhooks'
export type SecretName = 'token' | 'readToken' | 'secret'

export function tokenOf(
  owner: SecretOwner,
  name: SecretName,
  values: NodeFile,
  source: ValueSource,
): { readonly value?: string; readonly problem?: Problem } {
  const written: Readonly<Record<string, unknown>> = values[owner]
  const value = written[name] as string | undefined
  const tokenFile = written[`${name}File`] as string | undefined
  if (tokenFile === undefined) return value === undefined ? {} : { value }
  const key = [owner, `${name}File`]
  if (value !== undefined) {
    return {
      problem: source.problemAt(key, {
        message: `${owner} has both ${name} and ${name}File`,
        hint: 'keep one',
      }),
    }
  }
  try {
    const path = source.resolve(key, tokenFile)
    const read = token().safeParse(readText(path, 'name an existing file').replace(/\r?\n$/, ''))
    if (read.success) return { value: read.data }
    const [message = '', hint] = (read.error.issues[0]?.message ?? '').split('\n')
    return { problem: source.problemAt(key, { message: `${path}: ${message}`, hint }) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [first] = error.problems
    return {
      problem: source.problemAt(key, { message: `${first?.file}: ${first?.message}`, hint: first?.hint }),
    }
  }
}
