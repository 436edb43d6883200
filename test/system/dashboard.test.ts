/**
 * The dashboard in Debian's Chromium against the built program: each view and each action, without an error of the
 * console, a request to another server, or a serious finding of axe-core.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, seriousFindings, startBrowser } from '../a-browser.ts'
import { aFederation } from '../a-federation.ts'
import { aDirectory, aNode, announceFrom, PROGRAM } from '../a-node.ts'
import { libtorrent } from '../a-real-client.ts'
import { aTorrent, AWKWARD_INFO_HASH } from '../a-torrent.ts'
import { needs } from '../setup/needs.ts'

const HASH = 'ab'.repeat(20)
/** Compressed, all files of the page together. */
const PAGE_BYTES_MAX = 150 * 1024

/** More presses than the longest view has elements that take the focus. */
const TABS_MAX = 60

/** Presses Tab until the element with this text or name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = `(({ ariaLabel, textContent }) => ariaLabel ?? textContent)(document.activeElement)`
  for (let presses = 0; presses < TABS_MAX; presses++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate<string | null>(focused))?.trim() === name) return
  }
  throw new Error(`${TABS_MAX} presses of Tab do not reach ${JSON.stringify(name)}`)
}

/** The page waits for its data; a machine that is busy is slow. */
const PATIENCE = { timeout: 60_000 }

/** A torrent of its own name and infohash, with one piece. */
function torrentNamed(name: string): Buffer {
  return aTorrent({
    info: Buffer.concat([
      Buffer.from(
        `d6:lengthi16384e4:name${Buffer.byteLength(name)}:${name}12:piece lengthi16384e6:pieces20:`,
      ),
      Buffer.alloc(20, 7),
      Buffer.from('e'),
    ]),
  })
}

/** As a host of a site: the URL of a torrent is for addresses of the topology. */
function downloadFrom(localAddress: string, url: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request(url, { localAddress, agent: false }, (response) => {
      buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
    })
      .on('error', reject)
      .end()
  })
}

async function confirmAction(page: Page, title: string): Promise<void> {
  await page.getByRole('button', { name: `${title}…` }).click()
  const dialog = page.getByRole('dialog', { name: title })
  await dialog.getByRole('button', { name: title, exact: true }).click()
}

test('the built page is small, and names files of its own only', () => {
  const directory = 'dist/dashboard/page'
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.\w+$/.test(file),
  )
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(directory, file))).length, 0)
  expect(files.length).toBeGreaterThanOrEqual(3)
  expect(bytes).toBeLessThan(PAGE_BYTES_MAX)
  expect(readFileSync(join(directory, 'index.html'), 'utf8')).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
})

describe.skipIf(needs('chromium'))('the dashboard in a browser', { timeout: 240_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser.close())

  test.for([
    { device: 'a phone', width: 390, scheme: 'dark' },
    { device: 'a desk', width: 1280, scheme: 'light' },
  ] as const)(
    'teaches the first steps on an empty node, in each view, in $scheme on $device',
    async (look) => {
      const node = await aNode()
      const { page, errors, foreign } = await openPage(browser, node.adminUrl, look)
      await page.getByText('No rollouts yet').waitFor(PATIENCE)
      expect(await page.getByText('siteswarm publish FILE').first().isVisible()).toBe(true)
      for (const [view, text] of [
        ['', 'Sites'],
        ['torrents', 'No torrents are registered'],
        ['hosts', 'Which host?'],
        ['topology', 'Cost between sites'],
        ['nodes', 'announces are answered'],
        ['nowhere', 'There is no page nowhere'],
      ] as const) {
        await page.goto(`${node.adminUrl}/#/${view}`)
        await page.getByText(text).first().waitFor(PATIENCE)
        expect({ view, findings: await seriousFindings(page) }).toEqual({ view, findings: [] })
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      }
      expect({ errors, foreign }).toEqual({ errors: [], foreign: [] })
    },
  )

  test('publishes an uploaded torrent, shows its URLs, and removes it', async () => {
    const node = await aNode()
    const { page, errors } = await openPage(browser, `${node.adminUrl}/#/torrents`, {
      width: 1280,
      scheme: 'light',
    })
    const file = join(node.directory, 'good.torrent')
    const wrong = join(node.directory, 'wrong.torrent')
    writeFileSync(file, aTorrent())
    writeFileSync(wrong, 'not a torrent')
    const field = page.getByLabel('.torrent files, chosen or dropped here')
    await field.setInputFiles([file, wrong])
    await page.getByText('t0126238.bin is registered.').waitFor(PATIENCE)
    await page.getByText(/^wrong\.torrent: /).waitFor(PATIENCE)

    await page.getByRole('link', { name: 't0126238.bin', exact: true }).last().click()
    await page.getByRole('heading', { name: 'URLs for clients' }).waitFor(PATIENCE)
    const url = await page.getByText(/torrents\/[0-9a-f]{40}\.torrent\?site=ams$/).textContent()
    expect((await downloadFrom('127.2.0.9', url ?? '')).status).toBe(200)
    expect(await seriousFindings(page)).toEqual([])

    await confirmAction(page, 'Remove')
    await page.getByText('The torrent is not registered any more.').waitFor(PATIENCE)
    expect((await node.admin(`/api/v1/torrents/${AWKWARD_INFO_HASH}`)).status).toBe(404)
    // The browser reports the rejected upload itself.
    expect(errors.filter((error) => !/status of 4\d\d/.test(error))).toEqual([])
  })

  test('asks for a token where the node requires one, keeps it over a reload, and never in an address', async () => {
    const node = await aNode({ more: 'admin: { token: "a-long-admin-token" }\n' })
    const { page } = await openPage(browser, node.adminUrl, { width: 1280, scheme: 'dark' })
    await page.getByRole('heading', { name: 'This node requires a token' }).waitFor(PATIENCE)
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Token', { exact: true }).fill('wrong')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('The node rejected this token.').waitFor(PATIENCE)
    await page.getByLabel('Token', { exact: true }).fill('a-long-admin-token')
    await page.keyboard.press('Enter')
    await page.getByText('No rollouts yet').waitFor(PATIENCE)
    await page.reload()
    await page.getByText('No rollouts yet').waitFor(PATIENCE)
    expect(page.url()).not.toContain('token')
    expect(await page.evaluate('localStorage.length + document.cookie.length')).toBe(0)

    await page.getByRole('button', { name: 'Forget token' }).click()
    await page.getByRole('heading', { name: 'This node requires a token' }).waitFor(PATIENCE)
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })

  test('states that the node is gone, keeps the figures, and is back by itself after a restart', async () => {
    const first = await aNode()
    const port = new URL(first.adminUrl).port
    const { page } = await openPage(browser, `${first.adminUrl}/#/nodes`, {
      width: 1280,
      scheme: 'light',
    })
    await page.getByText('0 peers in the table').waitFor(PATIENCE)
    await page.evaluate('window.wasLoadedOnce = true')
    await first.stop('SIGKILL')
    await page.getByText('The node does not answer').waitFor(PATIENCE)
    await page.getByText('All figures below are from').waitFor(PATIENCE)
    expect(await page.getByText('0 peers in the table').isVisible()).toBe(true)
    expect(await seriousFindings(page)).toEqual([])

    const second = await aNode({
      directory: first.directory,
      environment: { SITESWARM_LISTEN_ADMIN: `127.0.0.1:${port}` },
    })
    await announceFrom(second, '127.1.1.5')
    await page.getByText('1 peers in the table').waitFor(PATIENCE)
    expect(await page.getByText('The node does not answer').count()).toBe(0)
    expect(await page.evaluate('window.wasLoadedOnce')).toBe(true)
  })

  test('checks a changed topology without a change, locates an address, and reloads', async () => {
    const node = await aNode()
    const { page, errors } = await openPage(browser, `${node.adminUrl}/#/topology`, {
      width: 1280,
      scheme: 'light',
    })
    const before = readFileSync(node.topologyPath, 'utf8')
    const check = async (text: string, expected: string | RegExp) => {
      await page.getByLabel('or paste its content').fill(text)
      await page.getByRole('button', { name: 'Check, without a change' }).click()
      await page.getByText(expected).first().waitFor(PATIENCE)
    }
    await check(before, 'means the same as the present topology')
    await check(
      before.replace('127.2.2.0/24', '127.2.3.0/24'),
      '127.2.2.0/24 (256 addresses): change their bubble from bubble row-b of site ams to site ams',
    )
    await check(`${before}links: [{ between: [fra, moon], cost: 1 }]\n`, 'unknown site "moon"')
    expect(await seriousFindings(page)).toEqual([])

    await page.getByLabel('IPv4 or IPv6 address').fill('127.3.2.9')
    await page.getByRole('button', { name: 'Locate' }).click()
    await page.getByText('127.3.2.9: nyc, bubble row-b (127.3.2.0/24)').waitFor(PATIENCE)

    await confirmAction(page, 'Reload')
    await page.getByText('Reloaded: 3 sites').waitFor(PATIENCE)
    expect(errors).toEqual([])
  })

  test('shows the links between sites, and sets the rate of one', async () => {
    const node = await aNode()
    const { page, errors } = await openPage(browser, `${node.adminUrl}/#/topology`, {
      width: 1280,
      scheme: 'light',
    })
    const row = page.getByRole('row', { name: 'fra – ams' })
    await row.getByText('not limited').waitFor(PATIENCE)
    await page.getByRole('button', { name: 'Rate of a link…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rate of a link' })
    await dialog.getByRole('combobox').selectOption('fra – ams')
    const rate = dialog.getByLabel(/^Rate, such as 200Mbit/)
    await rate.fill('200')
    await dialog.getByRole('button', { name: 'Set rate' }).click()
    await dialog.getByText(/bare numbers are ambiguous; write 200Mbit/).waitFor(PATIENCE)
    await rate.fill('0Mbit')
    expect(await seriousFindings(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Set rate' }).click()
    await row.getByText('0 kbit/s').waitFor(PATIENCE)
    await row.getByText('stopped').waitFor(PATIENCE)
    expect(await seriousFindings(page)).toEqual([])
    const { links } = (await (await node.admin('/api/v1/links?site=ams')).json()) as {
      links: { between: string[]; rateBytesPerSecond: number | null }[]
    }
    expect(links.find(({ between }) => between.includes('fra'))?.rateBytesPerSecond).toBe(0)
    // The browser reports the rejected rate itself.
    expect(errors.filter((error) => !/status of 400/.test(error))).toEqual([])
  })

  test('drains the node with a reason, and ends the drain', async () => {
    const node = await aNode()
    const { page } = await openPage(browser, `${node.adminUrl}/#/nodes`, {
      width: 1280,
      scheme: 'dark',
    })
    await page.getByRole('button', { name: 'Drain…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Drain' })
    await dialog.getByLabel('Reason, for the other operators').fill('kernel update')
    expect(await seriousFindings(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Drain', exact: true }).click()
    await page.getByText(/Drained since .*: kernel update/).waitFor(PATIENCE)
    expect((await node.admin('/readyz')).status).toBe(503)

    await confirmAction(page, 'End drain')
    await page.getByText('announces are answered').waitFor(PATIENCE)
    expect((await node.admin('/readyz')).status).toBe(200)
  })

  test('shows a host: its place, its torrents, and its peers with the reasons', async () => {
    const node = await aNode()
    await announceFrom(node, '127.1.1.5', { left: 0 })
    await announceFrom(node, '127.1.1.6')
    await announceFrom(node, '127.1.2.7')
    const { page, errors } = await openPage(browser, `${node.adminUrl}/#/hosts`, {
      width: 1280,
      scheme: 'light',
    })
    await page.getByLabel('IPv4 or IPv6 address').fill('127.1.1.6')
    await page.keyboard.press('Enter')
    await page.getByText('by 127.1.1.0/24').waitFor(PATIENCE)
    await page.getByRole('row', { name: /127\.1\.1\.5:6881/ }).waitFor(PATIENCE)
    expect(await page.getByText(`siteswarm explain ${HASH} 127.1.1.6:6881`).count()).toBe(1)
    expect(await seriousFindings(page)).toEqual([])
    expect(errors).toEqual([])
  })

  test('is operated with the keyboard: skip link, views, and a dialog that closes on Escape', async () => {
    const node = await aNode()
    const { page } = await openPage(browser, node.adminUrl, { width: 1280, scheme: 'light' })
    await page.getByText('No rollouts yet').waitFor(PATIENCE)
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('content')
    await page.getByRole('link', { name: 'Nodes' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'This node' }).waitFor(PATIENCE)
    // A screen reader starts with the new view.
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Nodes')
    await page.getByRole('button', { name: 'Drain…' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Drain' }).waitFor(PATIENCE)
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog', { name: 'Drain' }).count()).toBe(0)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Drain…')
    expect((await node.admin('/readyz')).status).toBe(200)
  })

  test('reaches each action with Tab, opens it with Enter, and closes it with Escape', async () => {
    const node = await aNode()
    const { infoHash } = (await (
      await node.admin('/api/v1/torrents', {
        method: 'POST',
        body: new Uint8Array(aTorrent()),
        headers: { 'content-type': 'application/x-bittorrent' },
      })
    ).json()) as { infoHash: string }
    const { page } = await openPage(browser, node.adminUrl, { width: 1280, scheme: 'light' })
    for (const [view, actions] of [
      [`rollouts/${infoHash}`, ['Hold', 'Expected hosts']],
      [`torrents/${infoHash}`, ['Remove']],
      ['topology', ['Reload', 'Rate of a link']],
      ['nodes', ['Drain']],
    ] as const)
      for (const action of actions) {
        await page.goto(`${node.adminUrl}/#/${view}`)
        await page.getByRole('button', { name: `${action}…` }).waitFor(PATIENCE)
        await tabTo(page, `${action}…`)
        await page.keyboard.press('Enter')
        const dialog = page.getByRole('dialog', { name: action })
        await dialog.waitFor(PATIENCE)
        await tabTo(page, 'Cancel')
        await page.keyboard.press('Escape')
        expect(await dialog.count()).toBe(0)
      }
    expect((await node.admin(`/api/v1/torrents/${infoHash}`)).status).toBe(200)
  })

  // Three pages of the API; `npm run bench -- dashboard` has 10,000.
  test('lists 2,500 torrents with the rows of one screen', async () => {
    const directory = await aDirectory()
    const folder = join(directory, 'data', 'torrents')
    mkdirSync(folder, { recursive: true })
    for (let number = 0; number < 2_500; number++) {
      const name = `image-${String(number).padStart(5, '0')}.img`
      writeFileSync(join(folder, `${name}.torrent`), torrentNamed(name))
    }
    const node = await aNode({ directory })
    const { page, errors } = await openPage(browser, `${node.adminUrl}/#/torrents`, {
      width: 1280,
      scheme: 'light',
    })
    await page.getByText('2,500 of 2,500 torrents').waitFor(PATIENCE)
    const rows = page.getByRole('region', { name: 'Torrents, 2500 rows' })
    expect(await rows.getByRole('row').count()).toBeLessThan(60)
    await page.getByRole('button', { name: 'Name' }).click()
    await rows.evaluate((element: { scrollTop: number; scrollHeight: number }) => {
      element.scrollTop = element.scrollHeight
    })
    await page.getByRole('link', { name: 'image-02499.img', exact: true }).waitFor(PATIENCE)
    await page.getByLabel('Name or infohash').fill('image-0177')
    await page.getByText('10 of 2,500 torrents').waitFor(PATIENCE)
    expect(errors).toEqual([])
  })

  test.skipIf(needs('libtorrent'))(
    'follows a rollout over two sites from either node: progress, path, hosts, and its end',
    async () => {
      const federation = await aFederation({
        names: ['fra', 'ams'],
        environment: { SITESWARM_OBSERVE_CONNECTIONS: '4096' },
      })
      await federation.connected()
      const [fra, ams] = [federation.site('fra'), federation.site('ams')]
      const directory = await aDirectory()
      const content = join(directory, 'seed', 'rollout.img')
      mkdirSync(join(directory, 'seed'))
      writeFileSync(content, Buffer.alloc(8 * 1024 * 1024, 'rollout'))
      const made = join(directory, 'rollout.torrent')
      execFileSync(process.execPath, [PROGRAM, 'publish', content, '--url', fra.adminUrl, '-o', made])

      const look = { width: 1280, scheme: 'light' } as const
      const { page, errors, foreign } = await openPage(browser, fra.adminUrl, look)
      await page.getByRole('link', { name: 'rollout.img' }).click()
      await page.getByText('no host has announced the torrent').waitFor(PATIENCE)
      expect(await seriousFindings(page)).toEqual([])
      const infoHash = /[0-9a-f]{40}/.exec(page.url())?.[0] ?? ''

      await page.getByRole('button', { name: 'Expected hosts…' }).click()
      const expected = page.getByRole('dialog', { name: 'Expected hosts' })
      await expected.getByLabel('fra').fill('1')
      await expected.getByLabel('ams').fill('2')
      expect(await seriousFindings(page)).toEqual([])
      await expected.getByRole('button', { name: 'Set' }).click()
      await page.getByText('none of the 2 expected hosts has announced the torrent').waitFor(PATIENCE)
      await confirmAction(page, 'Hold')
      await page.getByText('Held: all sites').waitFor(PATIENCE)
      await page.getByText('held by an operator: nothing flows into this site').first().waitFor(PATIENCE)
      await confirmAction(page, 'Release')
      await page.getByText('none of the 2 expected hosts has announced the torrent').waitFor(PATIENCE)
      const torrentOf = async (site: string) => {
        const { sites } = (await (await fra.admin(`/api/v1/torrents/${infoHash}`)).json()) as {
          sites: { site: string; torrentUrl: string }[]
        }
        const url = sites.find((each) => each.site === site)?.torrentUrl ?? ''
        const file = join(directory, `${site}.torrent`)
        // The node of the other site fetches the torrent over federation.
        await expect
          .poll(async () => {
            const { status, body } = await downloadFrom(site === 'fra' ? '127.1.0.9' : '127.2.0.9', url)
            if (status === 200) writeFileSync(file, body)
            return status
          }, PATIENCE)
          .toBe(200)
        return file
      }
      const [forFra, forAms] = [await torrentOf('fra'), await torrentOf('ams')]
      await libtorrent({ torrent: forFra, directory: join(directory, 'seed'), address: '127.1.0.5' })
      await Promise.all([
        libtorrent({ torrent: forFra, directory: join(directory, 'fra-1'), address: '127.1.0.6' }),
        libtorrent({ torrent: forAms, directory: join(directory, 'ams-1'), address: '127.2.0.6' }),
        libtorrent({ torrent: forAms, directory: join(directory, 'ams-2'), address: '127.2.0.7' }),
      ])
      await page.getByText('all 3 hosts are complete').waitFor(PATIENCE)
      await page
        .getByRole('list', { name: 'Sites, each below its upstream' })
        .getByText('ams')
        .waitFor(PATIENCE)
      expect(await seriousFindings(page)).toEqual([])
      await page.getByRole('link', { name: 'All hosts' }).click()
      for (const address of ['127.1.0.6', '127.2.0.6', '127.2.0.7'])
        await page.getByRole('row', { name: `${address}:6881` }).waitFor(PATIENCE)
      expect(await seriousFindings(page)).toEqual([])

      await page.getByRole('link', { name: 'Overview' }).last().click()
      await page
        .getByRole('row', { name: /ams .*MiB/ })
        .last()
        .waitFor(PATIENCE)
      const saved = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Download CSV' }).click()
      expect((await saved).suggestedFilename()).toBe('siteswarm-savings-by-site.csv')
      expect(readFileSync(await (await saved).path(), 'utf8')).toMatch(/^period,subject,.*\r\n.*,ams,/s)
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await seriousFindings(page)).toEqual([])

      const other = await openPage(browser, `${ams.adminUrl}/#/rollouts/${infoHash}`, look)
      await other.page.getByText('all 3 hosts are complete').waitFor(PATIENCE)
      expect({ errors, foreign, others: other.errors }).toEqual({ errors: [], foreign: [], others: [] })
    },
  )
})
