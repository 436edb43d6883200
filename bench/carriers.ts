/**
 * Throughput of content through a node: a relay between two clients of one site, and a carried link between two nodes,
 * plain and TLS; beside iperf3 through socat and through HAProxy in the same run, with the CPU time of what forwards. Then the
 * time of an announce while a node carries.
 *
 * A carrier reads the messages, keeps the pieces and checks them (SHA-1); the references pass on bytes that they do not
 * read. The clients and iperf3 have processes of their own on the same processors. Takes about two minutes.
 *
 * Run `npm run build` first. Needs socat, haproxy, iperf3, openssl and taskset.
 *
 * Usage: carriers [--mebibytes 1024] [--seconds 5] [--announce-seconds 10]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureAnnounces } from './carriers/announces.ts'
import { carry } from './carriers/carried-content.ts'
import { measureReferences, selfSigned } from './carriers/references.ts'

const { values } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '1024' },
    seconds: { type: 'string', default: '5' },
    'announce-seconds': { type: 'string', default: '10' },
  },
})
const directory = mkdtempSync(join(tmpdir(), 'siteswarm-bench-'))
try {
  const certificate = await selfSigned(directory)
  await measureReferences(directory, certificate, Number(values.seconds))
  const pieces = Number(values.mebibytes)
  await carry(pieces)
  await carry(pieces, { certificate: undefined })
  await carry(pieces, { certificate })
  await measureAnnounces(Number(values['announce-seconds']))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
