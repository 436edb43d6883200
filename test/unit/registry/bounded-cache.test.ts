import { describe, expect, it } from 'vitest'
import { BoundedCache } from '../../../src/registry/bounded-cache.ts'

function aCache(costMax: number) {
  const dropped: string[] = []
  const computed: string[] = []
  const cache = new BoundedCache<string>({
    costMax,
    costOf: (value) => value.length,
    onDrop: (value) => dropped.push(value),
  })
  const get = (key: string, value = key) =>
    cache.get(key, async () => {
      computed.push(key)
      return value
    })
  return { cache, get, computed, dropped }
}

describe('a bounded cache', () => {
  it('computes a value once for all requests that arrive meanwhile', async () => {
    const { get, computed } = aCache(10)
    expect(await Promise.all([get('aa'), get('aa'), get('aa')])).toEqual(['aa', 'aa', 'aa'])
    await get('aa')
    expect(computed).toEqual(['aa'])
  })

  it('keeps values up to its bound, and drops the least recently used', async () => {
    const { cache, get, computed, dropped } = aCache(6)
    await get('aa')
    await get('bb')
    await get('cc')
    expect(cache.cost).toBe(6)
    await get('aa')
    await get('dd')
    await Promise.resolve()
    expect(dropped).toEqual(['bb'])
    await get('aa')
    expect(computed).toEqual(['aa', 'bb', 'cc', 'dd'])
  })

  it('returns a value that is larger than its bound, and does not keep it', async () => {
    const { cache, get, computed } = aCache(3)
    expect(await get('aaaa')).toBe('aaaa')
    expect(cache.cost).toBe(0)
    await get('aaaa')
    expect(computed).toEqual(['aaaa', 'aaaa'])
  })

  it('does not keep a failure, so that the next request computes the value again', async () => {
    const { cache, get } = aCache(10)
    await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await get('a', 'b')).toBe('b')
  })

  it('does not keep a value that was being computed when it was cleared', async () => {
    const { cache, get, computed } = aCache(10)
    const before = get('aa')
    cache.clear()
    expect(await before).toBe('aa')
    expect(cache.cost).toBe(0)
    await get('aa')
    expect(computed).toEqual(['aa', 'aa'])
    expect(cache.cost).toBe(2)
  })
})
