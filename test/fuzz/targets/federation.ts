/** The stream of another site. */
import { deepStrictEqual, ok } from 'node:assert'
import {
  COMPLETE,
  LISTED,
  type Message,
  MESSAGE_BYTES_MAX,
  MessageReader,
  writeBatch,
  writeHeartbeat,
  writeHello,
  writeOverrideMessage,
  writeRegistered,
  writeRemoved,
  writeReport,
} from '../../../src/federation/messages.ts'
import { SiteUpdateReader } from '../../../src/federation/site-updates.ts'
import { readBatch } from '../../../src/replication/record-reader.ts'
import { readOverride } from '../../../src/replication/overrides.ts'
import { divisions, type FuzzTarget } from '../fuzz-target.ts'
import { siteRecords } from './site-records.ts'

const infoHash = Buffer.alloc(20, 1)

export const federationMessages: FuzzTarget = {
  name: 'federation-messages',
  bytesMax: 4_096,
  tokens: [
    '\x00\x00\x00\x01\x03',
    '\x00\x00\x00\x07\x04',
    '\x00\x00\x00\x1b\x06',
    '\x03fra',
    '\x02\xff\xff',
    'hold ',
    '\x01\x00\x00',
  ],
  examples: [
    Buffer.concat([
      writeHello('fra', 1_700_000_000_000, 'abc123'),
      COMPLETE,
      writeHeartbeat(1_700_000_000_000, 'abc123'),
    ]),
    Buffer.concat([
      writeHello('fra', 5, ''),
      writeBatch(siteRecords.examples[0] as Buffer),
      writeRegistered({ infoHashes: [infoHash], name: 'a', sizeBytes: 1, registeredAtMs: 5, note: '' }),
      writeRemoved(infoHash, 6),
      LISTED,
      writeReport(Buffer.from('{}')),
      writeOverrideMessage({ key: `hold ${'01'.repeat(20)} *`, value: '1', atMs: 7 }),
    ]),
  ],
  read(input) {
    const whole = readStream([input])
    for (const chunks of divisions(input)) deepStrictEqual(readStream(chunks), whole)
    for (const message of whole.messages) {
      if (message.type === 'batch') {
        ok(message.batch.length <= MESSAGE_BYTES_MAX)
        readBatch(message.batch, new SiteUpdateReader(0))
      } else if (message.type === 'override') readOverride(message, message.atMs)
    }
  },
}

/** A connection ends with the first chunk that cannot be read. */
function readStream(chunks: readonly Buffer[]): {
  readonly messages: readonly Message[]
  readonly isReadable: boolean
} {
  const messages: Message[] = []
  const reader = new MessageReader()
  const isReadable = chunks.every((chunk) => reader.read(chunk, (message) => messages.push(message)))
  return { messages, isReadable }
}
