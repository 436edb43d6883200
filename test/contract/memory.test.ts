/** All contracts against the memory store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemSecret } from '../../src/core/random.ts'
import { MemoryStore } from '../../src/replication/memory/memory-store.ts'
import { OverrideFile } from '../../src/replication/override-file.ts'
import { SnapshotFile } from '../../src/replication/memory/snapshot-file.ts'
import { aDirectory, silentLog } from './a-redis-site.ts'
import { TextReplica, type Skips, type TestNode, type TestSite } from './a-site.ts'
import { describeCompletionStore } from './completion-store.ts'
import { describeDocumentStore } from './document-store.ts'
import { describeGatewayLeases } from './gateway-leases.ts'
import { describeOverrideStore } from './override-store.ts'
import { describeSecretStore } from './secret-store.ts'
import { describeSiteLog } from './site-log.ts'
import { describeTorrentStore } from './torrent-store.ts'

async function aSite(): Promise<TestSite> {
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-contract-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const node = async (): Promise<TestNode> => {
    const store = new MemoryStore({
      snapshots: new SnapshotFile(join(directory, 'snapshot'), systemClock),
      documents: new SnapshotFile(join(directory, 'documents'), systemClock),
      torrents: aDirectory(join(directory, 'torrents')),
      overrides: new OverrideFile({ path: join(directory, 'overrides.json'), log: silentLog }),
      clock: systemClock,
      newSecret: systemSecret,
      log: silentLog,
    })
    const replica = new TextReplica()
    replica.attach(store)
    await store.open(replica)
    onTestFinished(() => store.close())
    return { store, replica }
  }
  return { node, restarted: node }
}

const ONE_NODE = 'a site with this store has one node'
const UNSHARED = 'no other node could read it, so nothing is kept in it'

const LOG: Skips = {
  'delivers the batches of a node to itself in the order in which it appended them': UNSHARED,
  'delivers the batches of a node to all others in order': ONE_NODE,
  'replays earlier batches to a new node, which is open once it has applied them': ONE_NODE,
  'takes a batch that is larger than any other': ONE_NODE,
  'does not deliver batches to other sites': UNSHARED,
}
describeSiteLog('memory', aSite, LOG)
describeGatewayLeases('memory', aSite, {
  'grants one of two claims that two nodes make at the same moment': ONE_NODE,
  'denies on one node what another node has granted': ONE_NODE,
})
describeCompletionStore('memory', aSite, {
  'counts a client once, whichever nodes add it, and gives all nodes the count': ONE_NODE,
  'gives a new node all counts before it is open': ONE_NODE,
})
describeTorrentStore('memory', aSite, {
  'replicates to the others what one node put, replaced and removed': ONE_NODE,
  'gives a new node the registered torrents before it is open': ONE_NODE,
})
describeDocumentStore('memory', aSite, {
  'gives the other nodes what one node put, replaced and removed': ONE_NODE,
})
describeOverrideStore('memory', aSite, {
  'replicates an override to the other nodes': ONE_NODE,
  'gives a new node the overrides before it is open': ONE_NODE,
  'keeps the later of two overrides that two nodes make at the same time': ONE_NODE,
})
describeSecretStore('memory', aSite, { 'gives all nodes the same newest secret': ONE_NODE })
