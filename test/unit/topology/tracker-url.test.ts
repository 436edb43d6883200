import { describe, expect, it } from 'vitest'
import { endpointOfUrl, trackerUrlProblems } from '../../../src/topology/tracker-url.ts'

describe('a tracker URL', () => {
  it.each([
    'http://tracker.example/announce',
    'https://tracker.example:443/announce',
    'udp://10.1.0.5:6969/announce',
    'http://tracker-1.Example:6969/announce?site=fra&pk=x',
    'http://tracker.example/announce/a-token',
    'http://tracker.example/behind/a/proxy/announce',
    'http://127.0.0.1:6969/announce',
    'http://127.9.9.9:6969/announce/token',
    'http://localhost:65535/announce?site=fra',
    // Only complete parameter names are reserved.
    'http://tracker.example/announce?keys=1&my_port=2',
  ])('%s is accepted by all clients', (url) => expect(trackerUrlProblems(url)).toEqual([]))

  it('reports all its problems', () => {
    expect(
      trackerUrlProblems('HTTP://announce_1.example:70000/x?key=1&port=2#y').map(({ what }) => what),
    ).toEqual([
      'the scheme HTTP is not in lower case',
      'the character _ in the host of a tracker',
      'the word announce in the host of a tracker',
      '70000 is not a port',
      'the path of a tracker URL must end in /announce, or /announce/ and a token',
      'the parameter key in the query of a tracker URL',
      'the parameter port in the query of a tracker URL',
      'a # in a tracker URL',
    ])
  })

  it.each([
    ['http://t.example/announce', { host: 't.example', port: 80 }],
    ['https://T.example/announce', { host: 't.example', port: 443 }],
    ['udp://t.example:6969/announce', { host: 't.example', port: 6969 }],
    ['http://[fd00::1]:6969/announce', { host: '[fd00::1]', port: 6969 }],
  ])('%s has an endpoint', (url, endpoint) => expect(endpointOfUrl(url)).toEqual(endpoint))
})
