/** The carrying nodes of a site, and the torrent that each of them carries. */
import { describe, expect, test } from 'vitest'
import { SiteCarriers } from '../../../src/replication/site-carriers.ts'

const node = (number: number) => Buffer.from([number, 1, 2, 3, 4, 5, 6, 7])
const named = (name: string) => ({ name, isCarrying: true, endpoints: [] })
const torrent = (number: number) => Buffer.alloc(20, number)
const T0 = 1_000_000

/** Three nodes, each with the view that the others are alive. */
function threeNodes() {
  const views = [0, 1, 2].map((own) => {
    const carriers = new SiteCarriers(node(own))
    carriers.isCarrying = true
    carriers.note(node(own), T0, T0)
    for (const other of [0, 1, 2])
      if (other !== own) carriers.noteNode(node(other), named(`n${other}`), T0, T0)
    return carriers
  })
  return views
}

const nameOf = (view: SiteCarriers, own: number, infoHash: Buffer) => {
  const candidate = view.candidateFor(infoHash)
  return candidate === 'own' ? `n${own}` : candidate?.name
}

describe('a torrent without a carrier', () => {
  test('belongs to the same node by the view of each', () => {
    const views = threeNodes()
    const owners = new Set<string>()
    for (let number = 0; number < 200; number++) {
      const infoHash = Buffer.alloc(20, number)
      const names = views.map((view, own) => nameOf(view, own, infoHash))
      expect(new Set(names).size).toBe(1)
      owners.add(names[0] ?? 'none')
    }
    expect([...owners].toSorted()).toEqual(['n0', 'n1', 'n2'])
  })

  test('belongs to no node that does not carry', () => {
    const [view] = threeNodes() as [SiteCarriers]
    view.noteNode(node(1), { ...named('n1'), isCarrying: false }, T0, T0)
    view.noteNode(node(2), { ...named('n2'), isCarrying: false }, T0, T0)
    expect(view.candidateFor(torrent(7))).toBe('own')
    view.isCarrying = false
    expect(view.candidateFor(torrent(7))).toBeUndefined()
  })

  test('belongs to another node within three seconds after the last sign of its node', () => {
    const [view] = threeNodes() as [SiteCarriers]
    view.isCarrying = false
    view.note(node(1), T0 + 2_900, T0 + 2_900)
    view.note(node(0), T0 + 3_000, T0 + 3_000)
    for (let number = 0; number < 50; number++) expect(nameOf(view, 0, torrent(number))).toBe('n1')
  })
})

describe('a carried torrent', () => {
  const carried = { infoHash: torrent(9), site: 'fra', state: 'carried' as const }

  test('stays with its node although it belongs to another one', () => {
    const [view] = threeNodes() as [SiteCarriers]
    for (const owner of [1, 2]) {
      view.noteCarriage(node(owner), carried, T0, T0)
      expect(view.ownerOf(torrent(9))?.node.name).toBe(`n${owner}`)
      expect(view.ownerOf(torrent(9))?.states.get('fra')).toBe('carried')
    }
  })

  test('has no carrier any more once its node ends it, or is gone', () => {
    const [view] = threeNodes() as [SiteCarriers]
    view.noteCarriage(node(1), carried, T0, T0)
    view.noteCarriage(node(1), { ...carried, state: 'ended' }, T0, T0)
    expect(view.ownerOf(torrent(9))).toBeUndefined()
    view.noteCarriage(node(2), carried, T0, T0)
    view.note(node(0), T0 + 3_000, T0 + 3_000)
    expect(view.ownerOf(torrent(9))).toBeUndefined()
  })

  test('stays with its node while the log stalls, as during an outage of the store', () => {
    const [view] = threeNodes() as [SiteCarriers]
    view.noteCarriage(node(1), carried, T0, T0)
    // An hour later, without a batch of any node, its own included.
    expect(view.ownerOf(torrent(9))?.node.name).toBe('n1')
  })

  test('is not learned from old batches, which a node reads when it starts', () => {
    const [view] = threeNodes() as [SiteCarriers]
    view.noteCarriage(node(1), carried, T0, T0 + 60_000)
    expect(view.ownerOf(torrent(9))).toBeUndefined()
  })
})
