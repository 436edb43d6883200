/** Files of the operator: topology, configuration and announce tokens. */
import { ok } from 'node:assert'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAnnounceTokens } from '../../../src/config/announce-tokens-file.ts'
import { readConfig } from '../../../src/config/load-config.ts'
import { parseTopology } from '../../../src/config/load-topology.ts'
import { ConfigError } from '../../../src/core/errors.ts'
import { readHours } from '../../../src/topology/link-hours.ts'
import { formatRate, readRate } from '../../../src/topology/link-rate.ts'
import { type FuzzTarget, unlessRejected } from '../fuzz-target.ts'

const YAML = [
  '\n',
  '  ',
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  "'",
  '"',
  '&a ',
  '*a',
  '#',
  '!!',
  '|',
  '>',
  '? ',
  '---',
  'null',
  '<<',
  '\t',
  '%YAML 1.1\n',
  '\\x00',
]

export const topologyFile: FuzzTarget = {
  name: 'topology-file',
  bytesMax: 2_048,
  batchMax: 256,
  tokens: [
    ...YAML,
    'sites:',
    'cidrs: ',
    'links:',
    'between: ',
    'bubbles:',
    'trackers: ',
    '10.0.0.0/8',
    '::/0',
    '/33',
    '0',
    '__proto__',
  ],
  examples: [
    'sites:\n  fra:\n    region: eu\n    cidrs: [10.1.0.0/16]\n    trackers: [http://t.example:6969/announce]\n' +
      "    bubbles:\n      row-a: { cidrs: ['fd00::/64'] }\n  ams: { cidrs: [10.2.0.0/16], trackers: [] }\n" +
      'links:\n  - { between: [fra, ams], cost: 80 }\n',
    'sites: &s { fra: { cidrs: [10.1.0.0/16] } }\nlinks: []\n',
  ],
  read: (input) => {
    const text = input.toString()
    unlessRejected(ConfigError, () => parseTopology(text, 'topology.yaml'))
    readHours(text)
    const rate = readRate(text)
    if (rate !== undefined) ok(Number.isFinite(rate) && formatRate(rate) !== '')
  },
}

/** In memory where that is possible: a file system on a disk takes longer to replace a file than a parser to read it. */
const DIRECTORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A parser that reads a path: the file has the input. */
function readsFile(read: (path: string) => unknown): Pick<FuzzTarget, 'read' | 'close'> {
  let directory: string | undefined
  return {
    read(input) {
      const path = join((directory ??= mkdtempSync(join(DIRECTORY, 'fuzz-file-'))), 'file')
      writeFileSync(path, input)
      unlessRejected(ConfigError, () => read(path))
    },
    async close() {
      if (directory !== undefined) rmSync(directory, { recursive: true })
      directory = undefined
    },
  }
}

export const configurationFile: FuzzTarget = {
  name: 'configuration-file',
  bytesMax: 4_096,
  batchMax: 256,
  tokens: [
    ...YAML,
    'site: ',
    'listen:',
    'http: ',
    '[::]:6969',
    '30m',
    '4MiB',
    'store: ',
    'redis://',
    'limits:',
    'tokenFile: ',
    '__proto__',
  ],
  examples: [
    readFileSync('config/siteswarm.yaml'),
    'site: fra\ntopology: t.yaml\nlisten: { http: 0.0.0.0:6969, udp: "[::]:0" }\nstore: redis://user:pw@h:6379/1\n' +
      'interval: { min: 30s, max: 30m }\ntrustedProxies: [10.0.0.0/8]\n',
  ],
  ...readsFile((path) => readConfig({ path, environment: {} })),
}

export const tokenFile: FuzzTarget = {
  name: 'token-file',
  bytesMax: 2_048,
  tokens: ['\n', '#', ' ', '\t', '\r\n', 'default ', 'a'.repeat(128), '\xef\xbb\xbf', '\xff\xfe'],
  examples: ['# tokens\nfra 0123456789abcdef\ndefault fedcba9876543210\n\nfra second-token # old\n'],
  ...readsFile((path) => {
    for (const tokens of readAnnounceTokens(path).values())
      for (const token of tokens) ok(encodeURIComponent(token) === token)
  }),
}
