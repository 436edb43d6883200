/**
 * A torrent or magnet after rewriting: parts for a file or a pipe, and the remaining warnings. Problems of removed
 * trackers are not among them.
 */
import { InputError } from '../core/errors.ts'
import { rewriteMagnet, readMagnet } from '../metainfo/magnet.ts'
import { type RewriteChanges, rewriteInParts, type Tiers } from '../metainfo/rewrite.ts'
import { summarize } from '../metainfo/summary.ts'
import { isWebSeedUrl } from '../metainfo/url-warnings.ts'
import type { Warning } from '../metainfo/warning.ts'
import type { CommandFlags } from './command.ts'
import type { TorrentArgument } from './torrent-argument.ts'

export type Rewritten =
  | { readonly kind: 'torrent'; readonly parts: readonly Buffer[] }
  | { readonly kind: 'magnet'; readonly text: string }

export function rewrite(opened: TorrentArgument, tiers: Tiers, changes: RewriteChanges): Rewritten {
  return opened.kind === 'torrent'
    ? { kind: 'torrent', parts: rewriteInParts(opened.metainfo, tiers, changes) }
    : { kind: 'magnet', text: rewriteMagnet(opened.magnet, tiers, changes) }
}

export function fileContent(rewritten: Rewritten): readonly Buffer[] {
  return rewritten.kind === 'torrent' ? rewritten.parts : [Buffer.from(`${rewritten.text}\n`)]
}

export function warningsAfter(
  opened: TorrentArgument,
  tiers: Tiers,
  changes: RewriteChanges,
): readonly Warning[] {
  return opened.kind === 'torrent'
    ? summarize(opened.metainfo, { tiers, webSeeds: changes.webSeeds }).warnings
    : readMagnet(rewriteMagnet(opened.magnet, tiers, changes)).warnings
}

/**
 * Refuses a torrent that no client opens, as the registry does, and a magnet whose old trackers cannot be replaced.
 * `inspect` still prints their content.
 */
export function refuseUnusable(opened: TorrentArgument, warnings: readonly Warning[]): void {
  const problem = warnings.find(({ code }) => code === 'info-incomplete' || code === 'html-escaped')
  if (problem === undefined) return
  if (opened.kind === 'magnet') throw new InputError(problem.message)
  const { source, info } = opened.metainfo
  throw new InputError(`${source}, byte ${info.start}: ${problem.message}`)
}

/** The changes that the flags ask for, or the problem with the flags. */
export function readChanges(flags: CommandFlags): RewriteChanges | string {
  const named = flags['webSeed']
  const given = Array.isArray(named) ? (named as readonly string[]) : []
  const dropsWebSeeds = flags['webSeeds'] === false
  if (dropsWebSeeds && given.length > 0)
    return '--web-seed replaces the web seeds and --no-web-seeds removes them'
  for (const url of given) {
    if (!isWebSeedUrl(url))
      return `${JSON.stringify(url)} is not a web seed: write http:// or https://, a host, no spaces`
  }
  return {
    webSeeds: dropsWebSeeds || given.length > 0 ? [...new Set(given)] : undefined,
    dropsNodes: flags['nodes'] === false,
  }
}
