import { describe, expect, it } from 'vitest'
import { nearestWord, suggestion } from '../../../src/config/suggest.ts'

describe('did you mean', () => {
  it.each([
    ['prot', ['port', 'host'], 'port'],
    ['amz', ['fra', 'ams', 'nyc'], 'ams'],
    ['tolopogy', ['site', 'topology'], 'topology'],
    ['trustedproxies', ['trustedProxies'], 'trustedProxies'],
    ['warning', ['info', 'warn'], 'warn'],
    ['reg', ['any', 'registered'], 'registered'],
    ['zebra', ['site', 'topology'], undefined],
    ['x', ['y'], undefined],
    ['', ['a'], undefined],
  ])('%j among %j is %j', (word, known, nearest) => expect(nearestWord(word, known)).toBe(nearest))

  it('lists the known words if none is similar', () => {
    expect(suggestion('zebra', ['fra', 'ams'])).toBe('known here: fra, ams')
  })

  it('lists them only if they fit on a line', () => {
    const known = Array.from({ length: 21 }, (_, index) => `site-${index}`)
    expect([suggestion('zebra', known.slice(1))?.slice(0, 11), suggestion('zebra', known)]).toEqual([
      'known here:',
      undefined,
    ])
  })
})
