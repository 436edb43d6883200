// @ts-check
/**
 * Counts the imports of rooms, type imports included.
 *
 * `node test/architecture/count-imports.mjs [DIR]` reads `DIR/src` (default: this folder) and prints, for `tracker` and
 * `federation`: files, lines, floors (the longest chain of imports inside the room), imports inside the room, and the
 * rooms outside that import it, with the names that they take.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const IMPORT = /^(?:import|export)\s+(?:type\s+)?([^'"]*?)from\s+'(\.[^']+)'/gms

const root = process.argv[2] ?? '.'
const source = join(root, 'src')

/** @type {(folder: string) => string[]} */
const filesIn = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return filesIn(path)
    return path.endsWith('.ts') ? [path] : []
  })

/** @type {(file: string) => string} */
const roomOf = (file) => relative(source, dirname(file))

const files = filesIn(source)
const imports = files.flatMap((from) =>
  [...readFileSync(from, 'utf8').matchAll(IMPORT)].map(([, names = '', path = '']) => ({
    from,
    to: join(root, relative(resolve(root), resolve(dirname(from), path))),
    names: names
      .replaceAll(/[{}]|\btype\b/g, '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  })),
)

for (const room of ['tracker', 'federation']) {
  const own = files.filter((file) => roomOf(file) === room)
  const inside = imports.filter(({ from, to }) => own.includes(from) && own.includes(to))
  const incoming = imports.filter(({ from, to }) => !own.includes(from) && own.includes(to))
  const lines = own.reduce((sum, file) => sum + readFileSync(file, 'utf8').split('\n').length - 1, 0)
  const users = new Set(incoming.map(({ from }) => roomOf(from)))
  const names = new Set(incoming.flatMap((each) => each.names))
  const floors = Math.max(...own.map((file) => floorsBelow(file, inside)))
  process.stdout.write(
    `${room}: ${own.length} files, ${lines} lines, ${floors} floors, ${inside.length} imports inside; ` +
      `imported by ${users.size} (${[...users].join(', ')}), ${names.size} names\n`,
  )
}

/** @type {(file: string, edges: readonly { from: string, to: string }[], above?: readonly string[]) => number} */
function floorsBelow(file, edges, above = []) {
  if (above.includes(file)) return 0
  const below = edges.filter(({ from }) => from === file)
  return 1 + Math.max(0, ...below.map(({ to }) => floorsBelow(to, edges, [...above, file])))
}
