/** All contracts against the memory store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemSecret } from '../../src/core/random.ts'
import { MemoryStore } from '../../src/replication/memory/memory-store.ts'
import { SnapshotFile } from '../../src/replication/memory/snapshot-file.ts'
import { aDirectory, silentLog } from './a-redis-site.ts'
import { SentenceMemory, type Skips, type TestNode, type TestSite } from './a-site.ts'
import { describeCompletionStore } from './completion-store.ts'
import { describeGatewayLeases } from './gateway-leases.ts'
import { describeSecretStore } from './secret-store.ts'
import { describeSiteLog } from './site-log.ts'
import { describeTorrentStore } from './torrent-store.ts'

async function aSite(): Promise<TestSite> {
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-contract-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const node = async (): Promise<TestNode> => {
    const store = new MemoryStore({
      snapshots: new SnapshotFile(join(directory, 'snapshot'), systemClock),
      torrents: aDirectory(join(directory, 'torrents')),
      clock: systemClock,
      newSecret: systemSecret,
      log: silentLog,
    })
    const memory = new SentenceMemory()
    memory.attach(store)
    await store.open(memory)
    onTestFinished(() => store.close())
    return { store, memory }
  }
  return { node, restarted: node }
}

const ONE_NODE = 'a site with this store has one node'
const UNSHARED = 'nobody else could read it, so nothing is kept in it'

const LOG: Skips = {
  'delivers the batches of a node to itself in the order in which it appended them': UNSHARED,
  'delivers the batches of a node to all others in order': ONE_NODE,
  'replays what was said before to a new node, which is not open until it knows it': ONE_NODE,
  'takes a batch that is larger than any other': ONE_NODE,
  'sites do not hear each other': UNSHARED,
}
describeSiteLog('memory', aSite, LOG)
describeGatewayLeases('memory', aSite, {
  'of two nodes that ask in the same moment, one is granted': ONE_NODE,
  'a lease that one node granted is taken on the other': ONE_NODE,
})
describeCompletionStore('memory', aSite, {
  'counts a client once, whichever nodes it tells, and tells all of them': ONE_NODE,
  'tells a new node all counts before it is open': ONE_NODE,
})
describeTorrentStore('memory', aSite, {
  'makes known to the others what one node put, replaced and removed': ONE_NODE,
  'tells a new node what is registered before it is open': ONE_NODE,
})
describeSecretStore('memory', aSite, { 'gives all nodes the same newest one': ONE_NODE })
