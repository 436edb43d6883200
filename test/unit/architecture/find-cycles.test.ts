/** Cycles of imports are found across rooms, and type imports count. */
import { expect, test } from 'vitest'
import { findCycles } from '../../architecture/find-cycles.ts'

const imports = (...targets: string[]) => targets.map((target) => `import { a } from '${target}'`).join('\n')

test('files without a cycle have none', () => {
  const sources = new Map([
    ['swarm/a.ts', imports('./b.ts', './c.ts', 'zod', 'node:fs')],
    ['swarm/b.ts', imports('./c.ts')],
    ['swarm/c.ts', ''],
  ])
  expect(findCycles(sources)).toEqual([])
})

test('each group of files that reach each other is one cycle', () => {
  const sources = new Map([
    ['swarm/a.ts', imports('./b.ts')],
    ['swarm/b.ts', imports('../wire/c.ts', './d.ts')],
    ['swarm/d.ts', ''],
    ['wire/c.ts', "import type { A } from '../swarm/a.ts'"],
    ['wire/e.ts', imports('./f.ts', '../swarm/a.ts')],
    ['wire/f.ts', imports('./e.ts')],
  ])
  expect(findCycles(sources)).toEqual([
    ['swarm/a.ts', 'swarm/b.ts', 'wire/c.ts'],
    ['wire/e.ts', 'wire/f.ts'],
  ])
})
