/** Violations of the table of rooms are reported with line and rule. */
import { expect, test } from 'vitest'
import { checkImports } from '../../architecture/check-imports.ts'

const table = {
  core: { rooms: [], packages: [] },
  swarm: { rooms: [], packages: [] },
  handout: { rooms: ['swarm', 'topology/topology'], packages: ['zod'] },
}

test('a room may import itself, core, the rooms and files in its row, its packages, and Node', () => {
  const source = [
    "import { a } from './a.ts'",
    "import { b } from '../core/b.ts'",
    "import { c } from '../swarm/deep/c.ts'",
    "import type { D } from '../topology/topology.ts'",
    "import { e } from 'zod'",
    "import { f } from 'zod/v4'",
    "import { g } from 'node:fs'",
  ].join('\n')
  expect(checkImports('handout/choose.ts', source, table)).toEqual([])
})

test('a type import of another room is an import of it', () => {
  expect(checkImports('swarm/table.ts', "\nimport type { A } from '../handout/choose.ts'", table)).toEqual([
    'src/swarm/table.ts:2  swarm may not import handout/choose.ts; it may import: core',
  ])
})

test('a file in the row does not open the rest of its room', () => {
  expect(checkImports('handout/choose.ts', "import { a } from '../topology/prefix.ts'", table)).toEqual([
    'src/handout/choose.ts:1  handout may not import topology/prefix.ts; it may import: core, swarm, topology/topology',
  ])
})

test('a room whose name begins like an allowed one is a different room', () => {
  const wider = { ...table, core: { rooms: ['swarm'], packages: [] } }
  expect(checkImports('core/a.ts', "import { a } from '../swarming/a.ts'", wider)).toHaveLength(1)
})

test('core may import no package', () => {
  expect(checkImports('core/a.ts', "import { a } from '@scope/name/part'", table)).toEqual([
    'src/core/a.ts:1  core may not import the package @scope/name; it may import: none',
  ])
})

test('a new room needs a row first', () => {
  expect(checkImports('utils/a.ts', '', table)).toEqual(['src/utils/a.ts: the table of rooms has no "utils"'])
})
