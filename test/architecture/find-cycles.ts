/**
 * Cycles of imports between the files of src/, type imports included: two files in a cycle can be read and changed only
 * together.
 */
import { dirname, join, normalize } from 'node:path/posix'
import { readImports } from './read-imports.ts'

/**
 * The strongly connected components of more than one file (Tarjan 1972), each as its files in alphabetical order.
 * `sources` is keyed by the path from src/.
 */
export function findCycles(sources: ReadonlyMap<string, string>): string[][] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const cycles: string[][] = []

  const visit = (file: string): void => {
    const index = order.size
    order.set(file, index)
    lowest.set(file, index)
    open.push(file)
    for (const next of importsOf(file, sources)) {
      if (!order.has(next)) visit(next)
      if (open.includes(next)) lowest.set(file, Math.min(lowest.get(file) ?? 0, lowest.get(next) ?? 0))
    }
    if (lowest.get(file) !== index) return
    const component = open.splice(open.indexOf(file))
    if (component.length > 1) cycles.push(component.toSorted())
  }

  for (const file of sources.keys()) if (!order.has(file)) visit(file)
  return cycles.toSorted((a, b) => (a.join() < b.join() ? -1 : 1))
}

function importsOf(file: string, sources: ReadonlyMap<string, string>): string[] {
  return readImports(sources.get(file) ?? '')
    .flatMap(({ from }) => (from?.startsWith('.') === true ? [normalize(join(dirname(file), from))] : []))
    .filter((target) => target !== file && sources.has(target))
}
