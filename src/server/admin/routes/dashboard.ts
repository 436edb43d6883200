/**
 * The dashboard: the page at `/` and its files, as the build has written them.
 *
 * The page contains no data; it reads the API with the token of the operator. Its policy allows the files of this listener
 * only, so that text in a name of a torrent can neither run nor load anything, and no other page can frame it.
 */
import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../api-error.ts'

/** Of the compiled program; the source has no built page. */
const BUILT_DIRECTORY = fileURLToPath(new URL('../../../dashboard/page/', import.meta.url))

const PAGE = 'index.html'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const

interface PageFile {
  readonly type: string
  readonly bytes: Buffer
  readonly compressed: Buffer
  readonly etag: string
}

/** By name, such as `index.html` and `assets/index-B2x1.js`. */
type PageFiles = ReadonlyMap<string, PageFile>

export function addDashboardRoutes(routes: FastifyInstance, directory = BUILT_DIRECTORY): void {
  let files: Promise<PageFiles> | undefined
  const find = async (name: string): Promise<PageFile> => {
    files ??= readPage(directory)
    const file = (await files).get(name)
    if (file !== undefined) return file
    files = undefined
    throw name === PAGE
      ? new ApiError(404, 'dashboard-missing', 'the dashboard is not built; run npm run build')
      : new ApiError(404, 'not-found', `the dashboard has no file ${name}`)
  }

  routes.get('/', async (request, reply) =>
    // The page names the files of its version: a browser asks each time whether it is the latest.
    sendFile(request, reply, { file: await find(PAGE), cacheControl: 'no-cache' }),
  )
  routes.get<{ Params: { name: string } }>('/assets/:name', async (request, reply) =>
    // The name contains a hash of the content.
    sendFile(request, reply, {
      file: await find(`assets/${request.params.name}`),
      cacheControl: 'public, max-age=31536000, immutable',
    }),
  )
}

function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { file, cacheControl }: { readonly file: PageFile; readonly cacheControl: string },
): FastifyReply {
  reply.headers({
    ...SECURITY_HEADERS,
    'cache-control': cacheControl,
    etag: file.etag,
    vary: 'accept-encoding',
  })
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
  const isCompressed = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '')
  if (isCompressed) reply.header('content-encoding', 'gzip')
  return reply.type(file.type).send(isCompressed ? file.compressed : file.bytes)
}

/** Read and compressed once; the list is complete, so that no name in a request leads to another file. */
async function readPage(directory: string): Promise<PageFiles> {
  const compress = promisify(gzip)
  const names = await readdir(directory, { recursive: true }).catch(() => [])
  const known = names.filter((name) => TYPES[extname(name)] !== undefined)
  return new Map(
    await Promise.all(
      known.map(async (name) => {
        const bytes = await readFile(join(directory, name))
        const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
        const compressed = await compress(bytes, { level: 9 })
        return [name, { type: TYPES[extname(name)] ?? '', bytes, compressed, etag }] as const
      }),
    ),
  )
}
