/**
 * A real Chromium: Debian's, without network beyond this machine. Errors of the console and requests to any
 * other origin than that of the page are recorded.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { searchPath } from './setup/find-missing.mjs'

export interface Look {
  readonly width: number
  readonly height?: number
  readonly scheme: 'light' | 'dark'
}

export interface OpenPage {
  readonly page: Page
  /** Errors of the console and uncaught exceptions. */
  readonly errors: readonly string[]
  /** Requests to other origins. */
  readonly foreign: readonly string[]
}

/** As root in a container, Chromium has no sandbox; the other flags keep it from contacting its maker. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The caller closes it. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = searchPath()
    .map((directory) => join(directory, 'chromium'))
    .find((path) => existsSync(path))
  if (executablePath === undefined) throw new Error('chromium is not installed')
  return chromium.launch({ executablePath, args: FLAGS })
}

/** Closed, with what it stores, when the test ends. */
export async function openPage(browser: Browser, url: string, look: Look): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.height ?? 900 },
    colorScheme: look.scheme,
    reducedMotion: 'reduce',
  })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const errors: string[] = []
  const foreign: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) foreign.push(request.url())
  })
  await page.goto(url)
  return { page, errors, foreign }
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string | null
    readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[]
  }[]
}

/** Serious findings of axe-core, each as one line. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // The policy of the page admits no injected script element; an expression of the debugger is not one.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(' ')}  ${node.failureSummary ?? ''}`),
    )
}
