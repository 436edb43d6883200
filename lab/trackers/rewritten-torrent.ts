/** Torrent files with the trackers of a host's site and bubble, written by `siteswarm rewrite`. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Content } from '../content.ts'
import { type LabHost, type LabShape, bubbleCidr, bubbleName, siteName, siteNumbers } from '../plan.ts'
import { repositoryPath } from '../repository.ts'

const execute = promisify(execFile)

/** The built program of a checkout; without one, of this repository. */
export function siteswarmProgram(checkout: string | undefined): string {
  return checkout === undefined ? repositoryPath('dist/main.js') : join(checkout, 'dist/main.js')
}

interface Rewriter {
  readonly program: string
  /** Contains the original torrents. */
  readonly home: string
  readonly topology: string
}

/** Hosts of one bubble share a file. */
export async function rewrittenTorrent(
  { program, home, topology }: Rewriter,
  host: LabHost,
  content: Content,
): Promise<string> {
  const [site, bubble] = [siteName(host.site), bubbleName(host.bubble)]
  const path = join(home, `${content.name}-${site}-${bubble}.torrent`)
  if (existsSync(path)) return path
  const flags = ['--site', site, '--bubble', bubble, '--topology', topology, '-o', path]
  await execute(process.execPath, [program, 'rewrite', join(home, `${content.name}.torrent`), ...flags])
  return path
}

/** Lines for a site's bubbles in a topology file. */
export function bubbleLines(shape: LabShape, site: number): string[] {
  const bubbles = Array.from({ length: shape.bubbles }, (_, index) => index + 1)
  return [
    '    bubbles:',
    ...bubbles.map((bubble) => `      ${bubbleName(bubble)}: { cidrs: [${bubbleCidr(site, bubble)}] }`),
  ]
}

/** Lines of a topology file for all links, where they differ from the default. */
export function linkLines(shape: LabShape): string[] {
  const settings = [
    ...(shape.carry === 'direct' ? ['carry: direct'] : []),
    ...(shape.linkRate === undefined ? [] : [`rate: ${shape.linkRate}`]),
    ...(shape.linkHours === undefined ? [] : [`hours: "${shape.linkHours}"`]),
  ].join(', ')
  if (settings === '') return []
  const sites = siteNumbers(shape).map(siteName)
  const pairs = sites.flatMap((a, index) => sites.slice(index + 1).map((b) => [a, b] as const))
  return ['links:', ...pairs.map(([a, b]) => `  - { between: [${a}, ${b}], ${settings} }`)]
}
