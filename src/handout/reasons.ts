/** Reasons for which a peer is handed out, each as a sentence. The names are public: `explain` prints them. */
export const reasons = {
  introduced: 'introduced before; clients remember their peers, so the response stays the same',
  'same-bubble': 'a leecher of the same bubble',
  'same-site': 'a leecher of another bubble of the site',
  source: 'a local source with a free slot',
  'last-resort': 'the only local source; all its slots are taken',
  ahead:
    'a source or gateway of the site for a client that does not accept connections: it needs a neighbour that is always ahead',
  partial: 'a partial seed of the site; it uploads its pieces',
  leecher: 'a local leecher, which lacks what the requester has',
  stranger: 'a local leecher that the finisher never met: no reconnect ban between them',
  rescue: 'a fresh local source for a peer without progress',
  seed: 'a local seed, in case the requester only seems complete (a magnet without metadata)',
  upstream: 'the peer of another site from which this site fetches; only its gateway gets it',
  'co-downstream': 'the gateway of another site that fetches from the same peer, and is ahead',
  downstream: 'the gateway of another site that fetches from the requester',
  'first-finisher':
    'the gateway of another site that fetches from this one; it never met this finisher, so no reconnect ban',
  'co-gateway': 'the other gateway of the site',
} as const

export type Reason = keyof typeof reasons
