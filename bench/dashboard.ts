/**
 * Speed of the dashboard in Chromium: the first contentful paint of a node with many registered torrents, cold and with a
 * warm cache, and the longest blocked piece of the page's thread while a rollout of many hosts moves: at rest, and while
 * an operator scrolls, filters and sorts the list of its hosts. Above 50 ms the browser reports a piece as a long task.
 *
 * Needs Debian's chromium and the built program (`npm run build`).
 *
 * Usage: dashboard [torrents, default 10000] [hosts, default 3000] [seconds of moving hosts, default 20]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { writeTorrent } from './dashboard/torrent.ts'
import { freePort } from './peers/servers.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const [TORRENTS = 10_000, HOSTS = 3_000, SECONDS = 20] = process.argv.slice(2).map(Number)
/** Each host announces once in this time. */
const ROUND_MS = 3_000
const SIZE_BYTES = 1_000_000_000
const PATIENCE = { timeout: 120_000 }

const home = mkdtempSync(join(tmpdir(), 'siteswarm-dashboard-'))
const torrents = join(home, 'torrents')
mkdirSync(torrents)
const infoHashes = Array.from({ length: TORRENTS }, (_, number) => writeTorrent(torrents, number, SIZE_BYTES))
const httpPort = await freePort()
const adminUrl = `http://127.0.0.1:${await freePort()}`
const node = await startNode()
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  await measurePaint(browser, '')
  await measurePaint(browser, 'torrents')
  await measureBlocking(browser, infoHashes.at(-1) as Buffer)
} finally {
  await browser.close()
  node.kill('SIGTERM')
  await once(node, 'exit')
  rmSync(home, { recursive: true })
}

async function startNode(): Promise<ChildProcess> {
  const started = spawn(process.execPath, [PROGRAM, 'serve', '--json'], {
    env: {
      ...process.env,
      SITESWARM_LISTEN_HTTP: `127.0.0.1:${httpPort}`,
      SITESWARM_LISTEN_UDP: `127.0.0.1:${await freePort()}`,
      SITESWARM_LISTEN_ADMIN: new URL(adminUrl).host,
      SITESWARM_OBSERVE_CONNECTIONS: '0',
      SITESWARM_TRUSTED_PROXIES: '127.0.0.1/32',
      SITESWARM_DATA_DIRECTORY: home,
      SITESWARM_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(started.stdout, 'data')
  return started
}

async function measurePaint(chrome: Browser, view: string): Promise<void> {
  const context = await chrome.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  for (const cache of ['cold', 'warm']) {
    const startedAtMs = performance.now()
    await page.goto('about:blank')
    await page.goto(`${adminUrl}/#/${view}`)
    await page.waitForFunction("performance.getEntriesByName('first-contentful-paint').length > 0")
    const paintMs = await page.evaluate<number>(
      "performance.getEntriesByName('first-contentful-paint')[0].startTime",
    )
    await page
      .getByRole('link', { name: /^image-/ })
      .first()
      .waitFor(PATIENCE)
    console.log(
      `${`/${view}`.padEnd(10)} ${TORRENTS} torrents, ${cache} cache: first contentful paint ${paintMs.toFixed(0)} ms, ` +
        `rows after ${(performance.now() - startedAtMs).toFixed(0)} ms`,
    )
  }
  await context.close()
}

async function measureBlocking(chrome: Browser, infoHash: Buffer): Promise<void> {
  const moving = moveHosts(infoHash)
  try {
    const page = await chrome.newPage({ viewport: { width: 1280, height: 900 } })
    await page.goto(`${adminUrl}/#/rollouts/${infoHash.toString('hex')}/hosts`)
    const rows = page.getByRole('region', { name: new RegExp(`^Hosts, ${HOSTS} rows`) })
    await rows.waitFor(PATIENCE)
    await page.evaluate(
      'window.tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)))' +
        ".observe({ type: 'longtask' })",
    )
    await report(page, 'at rest', () => pause(SECONDS * 1_000))
    await report(page, 'scrolling', async () => {
      await rows.hover()
      for (let step = 0; step < 60; step++) {
        await page.mouse.wheel(0, 2_000)
        await pause(100)
      }
    })
    await report(page, 'filtering', async () => {
      const field = page.getByLabel('Address, site, bubble or client')
      await field.pressSequentially('127.1.', { delay: 200 })
      await field.fill('')
      await pause(1_000)
    })
    await report(page, 'sorting', async () => {
      for (const column of ['Progress', 'Host', 'Last seen', 'Place']) {
        await page.getByRole('button', { name: column }).click()
        await pause(1_000)
      }
    })
  } finally {
    console.log(`hosts that moved: ${(await moving.stop()).toFixed(0)} announces a second`)
  }
}

async function report(page: Page, name: string, act: () => Promise<void>): Promise<void> {
  await page.evaluate('window.tasks.length = 0')
  await act()
  const tasks = await page.evaluate<number[]>('window.tasks')
  console.log(
    `${HOSTS} hosts move, ${name.padEnd(9)}: ` +
      (tasks.length === 0
        ? 'no task longer than 50 ms'
        : `longest task ${Math.max(...tasks).toFixed(0)} ms, ${tasks.length} longer than 50 ms`),
  )
}

/** All hosts announce in turn, over one connection, with less left each time. */
function moveHosts(infoHash: Buffer): { stop(): Promise<number> } {
  const stopping = new AbortController()
  let announces = 0
  const hash = [...infoHash].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const run = async (socket: Socket) => {
    const startedAtMs = performance.now()
    for (let round = 0; !stopping.signal.aborted; round++) {
      const roundAtMs = performance.now()
      for (let host = 0; host < HOSTS && !stopping.signal.aborted; host++) {
        socket.write(announceOf(hash, host, round))
        await once(socket, 'data')
        announces++
        const dueMs = roundAtMs + (host / HOSTS) * ROUND_MS
        if (dueMs > performance.now()) await pause(1)
      }
      await pause(Math.max(1, roundAtMs + ROUND_MS - performance.now()))
    }
    socket.destroy()
    return (announces * 1_000) / (performance.now() - startedAtMs)
  }
  const running = run(connect(httpPort, '127.0.0.1'))
  return {
    stop: () => {
      stopping.abort()
      return running
    },
  }
}

/** Hosts have their own pace, so that the order of the list changes. */
function announceOf(hash: string, host: number, round: number): string {
  const address = `127.${1 + (host % 2)}.${1 + ((host >> 1) % 2)}.${1 + ((host >> 2) % 250)}`
  const port = 7_000 + host
  const done = Math.min(SIZE_BYTES - 1, Math.floor((1 + (host % 7)) * (round + 1) * 2_000_000))
  const peerId = `-LT2080-${String(host).padStart(12, '0')}`
  return (
    `GET /announce?info_hash=${hash}&peer_id=${peerId}&port=${port}&uploaded=0&downloaded=${done}` +
    `&left=${SIZE_BYTES - done}&compact=1&numwant=0 HTTP/1.1\r\nHost: tracker\r\nX-Forwarded-For: ${address}\r\n\r\n`
  )
}
