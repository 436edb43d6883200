import { describe, expect, it } from 'vitest'
import { nodesOf, sitesByNodes } from '../../../src/topology/site-nodes.ts'

describe('the nodes of a site', () => {
  it.each([
    ['one host over two protocols is a node', ['http://t1:6969/announce', 'udp://t1:6969/announce'], ['t1']],
    ['two hosts are two nodes', ['http://t1:6969/announce', 'http://T2:6969/announce'], ['t1', 't2']],
    ['two ports of a host are one node', ['http://t1:6969/announce', 'http://t1:6970/announce'], ['t1']],
    [
      'two ports of loopback are two nodes',
      ['http://127.0.0.1:6969/announce', 'http://127.0.0.1:6979/announce'],
      ['127.0.0.1:6969', '127.0.0.1:6979'],
    ],
    [
      'loopback ports of two protocols are one node',
      ['http://[::1]:6969/announce', 'udp://[::1]:6979/announce'],
      ['[::1]:6969'],
    ],
    ['a site without URLs has no nodes', [], []],
  ])('%s', (_what, urls, nodes) => expect(nodesOf(urls)).toEqual(nodes))
})

describe('sites by their nodes', () => {
  const site = (name: string, ...hosts: readonly string[]) => ({
    site: name,
    trackers: hosts.map((host) => `http://${host}:6969/announce`),
  })

  it('are together if they share a tracker, also through another site', () => {
    expect(sitesByNodes([site('a', 't1'), site('b', 't2'), site('c', 't2', 't1'), site('d', 't3')])).toEqual([
      ['a', 'b', 'c'],
      ['d'],
    ])
  })

  it('are left out without trackers', () => {
    expect(sitesByNodes([site('a'), site('b', 't1')])).toEqual([['b']])
  })
})
