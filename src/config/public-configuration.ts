/**
 * The configuration in effect as an operator may see it: the keys and notation of the file, with defaults, and without
 * secrets.
 *
 * A key whose schema is a `token` has the value `set` or null, so that a new secret is hidden without a change here. In
 * every other text, user and password of a URL are removed.
 */
import { withoutCredentials } from '../core/url-credentials.ts'
import type { SchemaNode } from './report.ts'
import { SECRET_TITLE } from './values.ts'

export function publicConfiguration(tree: SchemaNode, written: unknown): Readonly<Record<string, unknown>> {
  return shown(tree, written) as Readonly<Record<string, unknown>>
}

function shown(node: SchemaNode, written: unknown): unknown {
  if (node.properties !== undefined) {
    const values = (written ?? {}) as Readonly<Record<string, unknown>>
    return Object.fromEntries(
      Object.entries(node.properties).map(([key, child]) => [
        key,
        shown(child, values[key] ?? child.default),
      ]),
    )
  }
  if (written === undefined || written === null) return null
  if (node.title === SECRET_TITLE) return 'set'
  return withoutSecrets(written)
}

function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return withoutCredentials(value)
  return Array.isArray(value) ? value.map(withoutSecrets) : value
}
