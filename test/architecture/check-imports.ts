/** Checks the imports of one source file against the table of rooms; each violation has its line and the rule. */
import { dirname, join, normalize } from 'node:path/posix'
import { readImports } from './read-imports.ts'
import { type Room, rooms } from './rooms.ts'

/** `file` is relative to src/, such as `swarm/swarm-table.ts`. */
export function checkImports(
  file: string,
  source: string,
  table: Readonly<Record<string, Room>> = rooms,
): string[] {
  const roomName = roomOf(file, table)
  if (table[roomName] === undefined) return [`src/${file}: the table of rooms has no "${roomName}"`]

  return readImports(source).flatMap(({ line, from }) => {
    const rule = brokenRule(file, roomName, table, from)
    return rule === undefined ? [] : [`src/${file}:${line}  ${rule}`]
  })
}

function brokenRule(
  file: string,
  roomName: string,
  table: Readonly<Record<string, Room>>,
  from: string | undefined,
): string | undefined {
  const room = table[roomName] as Room
  if (from === undefined) return 'the module of an import must be a plain string, so that it can be checked'
  if (from.startsWith('node:')) return undefined
  if (!from.startsWith('.')) {
    const name = from
      .split('/')
      .slice(0, from.startsWith('@') ? 2 : 1)
      .join('/')
    return room.packages.includes(name)
      ? undefined
      : `${roomName} may not import the package ${name}; it may import: ${list(room.packages)}`
  }

  const target = normalize(join(dirname(file), from))
  if (target.startsWith('..')) return `${from} is outside src/`
  if (!/\.tsx?$/.test(target)) return `${from} does not end in .ts or .tsx`
  const isAllowed =
    roomOf(target, table) === roomName ||
    ['core', ...room.rooms].some((allowed) => target === `${allowed}.ts` || target.startsWith(`${allowed}/`))
  return isAllowed
    ? undefined
    : `${roomName} may not import ${target}; it may import: ${list(['core', ...room.rooms])}`
}

/** A folder that has a row of its own, such as `server/http`, is a room. Files directly in src/ are a room each. */
export function roomOf(file: string, table: Readonly<Record<string, Room>>): string {
  const [first = '', second] = file.split('/')
  if (second === undefined) return file.replace(/\.ts$/, '')
  const inner = `${first}/${second}`
  return table[inner] === undefined ? first : inner
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}
