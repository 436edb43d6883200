/**
 * The admin API of the built program against schemathesis: requests that the OpenAPI document allows, and others, to each
 * operation, with the token that may read and with the one that may operate. Each answer is one that the document states,
 * and none is an internal error.
 *
 * The event stream is not among them: it has no end, and schemathesis reads an answer as a whole.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aDirectory, aNode, announceFrom, type RunningNode } from '../a-node.ts'
import { aTorrent, AWKWARD_INFO_HASH, PLAIN_INFO_HASH, PLAIN_TORRENT } from '../a-torrent.ts'
import { needs } from '../setup/needs.ts'
import { pathOfCommand } from '../setup/python-environment.mjs'
import requirements from '../setup/requirements.json' with { type: 'json' }

const OPERATE = 'token-that-may-operate'
const READ = 'token-that-may-only-read'
const RUN_MS_MAX = 280_000
/** Each run sends the same requests. */
const SEED = '1'

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'ignored_auth',
  'unsupported_method',
]

/** The torrent of `announceFrom`, which is not registered. */
const SWARM = 'ab'.repeat(20)

/** Values that exist on the node: most others end with 404. */
const KNOWN_VALUES = `
[parameters]
infoHash = "${AWKWARD_INFO_HASH}"
info_hash = "${SWARM}"
ip = "127.1.1.5"
a = "fra"
b = "ams"

[[operations]]
include-path-regex = "^/api/v1/swarms/"
parameters = { infoHash = "${SWARM}" }
`

/**
 * The server of Node.js itself rejects other methods than these. The torrent that is removed is not the one that the other
 * operations read.
 */
const OPERATIONS = `
[phases.coverage]
unexpected-methods = ["DELETE", "PATCH", "POST", "PUT"]

[[operations]]
include-path = "/api/v1/events"
enabled = false

[[operations]]
include-path = "/readyz"

[operations.checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", 503]

[[operations]]
include-name = "DELETE /api/v1/torrents/{infoHash}"
parameters = { infoHash = "${PLAIN_INFO_HASH}" }
`

/**
 * Bodies of the type of a torrent, which schemathesis does not know. The node trusts this machine as a proxy, and each request
 * has another client behind it: the response to the second wrong token of one client is late, to the sixth one 5 s.
 */
const HOOKS = `
import itertools
import requests
import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.media_type(
    "application/x-bittorrent", st.one_of(st.binary(max_size=300), st.just(${JSON.stringify(PLAIN_TORRENT.toString('latin1'))}.encode("latin-1")))
)

clients = itertools.count(1)
send = requests.Session.send

def send_of_another_client(session, request, **kwargs):
    client = next(clients)
    request.headers["X-Forwarded-For"] = f"10.9.{client >> 8 & 255}.{client & 255}"
    return send(session, request, **kwargs)

requests.Session.send = send_of_another_client
`

async function aNodeWithTorrents(): Promise<RunningNode> {
  const node = await aNode({
    more: `admin: { token: ${OPERATE}, readToken: ${READ} }\ntrustedProxies: [127.0.0.1/32]\n`,
  })
  const headers = { authorization: `Bearer ${OPERATE}`, 'content-type': 'application/x-bittorrent' }
  for (const body of [aTorrent(), PLAIN_TORRENT]) {
    const { status } = await node.admin('/api/v1/torrents', {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    expect(status).toBe(201)
  }
  await announceFrom(node, '127.1.1.5')
  await announceFrom(node, '127.2.1.5')
  return node
}

async function schemathesis(
  { adminUrl }: RunningNode,
  { token, known }: { readonly token: string; readonly known: string },
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const directory = await aDirectory()
  const configuration = join(directory, 'schemathesis.toml')
  await writeFile(configuration, `hooks = "hooks"\n${known}${OPERATIONS}`)
  await writeFile(join(directory, 'hooks.py'), HOOKS)
  const { pypi, command } = requirements.schemathesis
  const options = {
    '--header': `Authorization: Bearer ${token}`,
    '--checks': CHECKS.join(','),
    '--phases': 'examples,coverage,fuzzing',
    '--max-examples': '10',
    '--seed': SEED,
    // The default of 10 s is not enough for a process that checks a topology on a busy machine.
    '--request-timeout': '60',
    '--suppress-health-check': 'all',
  }
  const args = [
    '--no-color',
    '--config-file',
    configuration,
    'run',
    `${adminUrl}/openapi.json`,
    '--continue-on-failure',
    ...Object.entries(options).flat(),
  ]
  return new Promise((resolve) => {
    const settings = {
      cwd: directory,
      env: { ...process.env, PYTHONPATH: directory },
      timeout: RUN_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
    }
    execFile(pathOfCommand(pypi, command), args, settings, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? -1), output: `${stdout}${stderr}` }),
    )
  })
}

describe.skipIf(needs('schemathesis'))('the admin API', () => {
  test.each([
    ['that may operate', 'torrents and hosts that exist', { token: OPERATE, known: KNOWN_VALUES }],
    ['that may only read', 'any torrents and hosts', { token: READ, known: '' }],
  ])(
    'answers each request with the token %s, for %s, as its document states',
    async (_token, _values, given) => {
      const node = await aNodeWithTorrents()
      const { exitCode, output } = await schemathesis(node, given)
      expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.any(String) })
      expect(node.log()).not.toContain('admin-failed')
    },
    RUN_MS_MAX + 20_000,
  )
})
