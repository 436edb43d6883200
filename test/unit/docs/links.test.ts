/** Links between the documents of the repository lead to files and headings that exist. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const SKIPPED = /^(?:node_modules|\.git|dist.*|demo|data|torrents)$/

function documents(folder = '.'): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.test(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return documents(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
}

/** The text without code, in which brackets are not links. Line breaks stay. */
function proseOf(markdown: string): string {
  return markdown
    .replaceAll(/^(```|~~~)[^]*?^\1/gm, (block) => block.replaceAll(/[^\n]/g, ''))
    .replaceAll(/`[^`\n]*`/g, '')
}

interface Link {
  readonly target: string
  readonly line: number
}

/** `[text](target)`, `![alt](target)`, `[name]: target`, and targets in HTML. */
function linksOf(markdown: string): Link[] {
  const prose = proseOf(markdown)
  const forms = [
    /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g,
    /^\[[^\]]+\]:\s*(\S+)/gm,
    /\b(?:href|src)="([^"]+)"/g,
  ]
  return forms.flatMap((form) =>
    [...prose.matchAll(form)].map((match) => ({
      target: match[1] ?? '',
      line: prose.slice(0, match.index).split('\n').length,
    })),
  )
}

/** Anchors as hosting sites make them of headings: lower case, without punctuation, a number for each repetition. */
function anchorsOf(markdown: string): Set<string> {
  const withoutBlocks = markdown.replaceAll(/^(```|~~~)[^]*?^\1/gm, '')
  const anchors = new Set([...withoutBlocks.matchAll(/\b(?:id|name)="([^"]+)"/g)].map(([, id = '']) => id))
  const counts = new Map<string, number>()
  for (const [, heading = ''] of withoutBlocks.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-')
    const count = counts.get(slug) ?? 0
    counts.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

/** undefined for a link that works, or that leads out of the repository. */
function problemOf(document: string, { target, line }: Link): string | undefined {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target)) return undefined
  const [file = '', anchor] = target.split('#', 2)
  const path = file === '' ? document : join(dirname(document), decodeURIComponent(file))
  const where = `${document}:${line}: ${target}`
  if (relative('.', path).startsWith('..')) return `${where}: outside the repository`
  if (!existsSync(path)) return `${where}: no such file`
  if (anchor === undefined || anchor === '') return undefined
  if (statSync(path).isDirectory() || !path.endsWith('.md')) return undefined
  return anchorsOf(readFileSync(path, 'utf8')).has(anchor) ? undefined : `${where}: no such heading`
}

describe('links between documents', () => {
  const all = documents()

  it('lead to files and headings that exist', () => {
    const problems = all.flatMap((document) =>
      linksOf(readFileSync(document, 'utf8')).flatMap((link) => problemOf(document, link) ?? []),
    )
    expect(problems).toEqual([])
  })

  it('are found in all forms, and checked', () => {
    expect(all).toContain('README.md')
    const markdown = [
      '[a](README.md#quick-start) [b](README.md#no-such-heading) `[c](nowhere.md)`',
      '![d](nowhere.png "title") [e][f]',
      '```',
      '[g](nowhere.md)',
      '```',
      '[f]: ../outside.md',
      '<a href="docs">h</a> [i](https://example.org/nowhere) [j](#missing)',
    ].join('\n')
    expect(linksOf(markdown).flatMap((link) => problemOf('README.md', link) ?? [])).toEqual([
      'README.md:1: README.md#no-such-heading: no such heading',
      'README.md:2: nowhere.png: no such file',
      'README.md:7: #missing: no such heading',
      'README.md:6: ../outside.md: outside the repository',
    ])
  })
})
