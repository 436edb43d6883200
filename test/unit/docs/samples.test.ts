/** Sample files name the schema from which editors complete keys, and it is there: in the repository, and where the documents copy them to. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

interface Sample {
  readonly path: string
  readonly schema: 'siteswarm.schema.json' | 'topology.schema.json'
}

/** Node configurations and topologies, found by their keys. */
function samples(): Sample[] {
  return ['config', 'deploy'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.ya?ml$/.test(file))
      .flatMap((file): Sample[] => {
        const path = join(folder, file)
        const content: unknown = parse(readFileSync(path, 'utf8'))
        if (typeof content !== 'object' || content === null) return []
        if ('sites' in content) return [{ path, schema: 'topology.schema.json' }]
        return 'site' in content && 'topology' in content ? [{ path, schema: 'siteswarm.schema.json' }] : []
      }),
  )
}

describe('a sample', () => {
  it.each(samples().map(({ path, schema }) => [path, schema] as const))(
    '%s names its schema',
    (path, schema) => {
      const [first = ''] = readFileSync(path, 'utf8').split('\n')
      const target = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1] ?? ''
      expect(basename(target)).toBe(schema)
      expect(existsSync(join(dirname(path), target))).toBe(true)
    },
  )

  it('is copied with its schema wherever a document copies it', () => {
    const copies = ['README.md', 'docs/operations.md', 'docs/reference/configuration.md'].flatMap(
      (document) =>
        readFileSync(document, 'utf8')
          .split('\n')
          .filter((line) => /^\s*(?:cp|install)\b.*config\/(?:siteswarm|topology)\.yaml/.test(line)),
    )
    expect(copies.length).toBeGreaterThan(0)
    for (const line of copies) expect(line).toContain('config/*.schema.json')
  })
})
