import { describe, expect, it } from 'vitest'
import { BoundedCache } from '../../../src/registry/bounded-cache.ts'

function aCache(costMax: number) {
  const dropped: string[] = []
  const made: string[] = []
  const cache = new BoundedCache<string>({
    costMax,
    costOf: (value) => value.length,
    onDrop: (value) => dropped.push(value),
  })
  const get = (key: string, value = key) =>
    cache.get(key, async () => {
      made.push(key)
      return value
    })
  return { cache, get, made, dropped }
}

describe('a cache with a bound', () => {
  it('makes a value once, however many ask while it is being made', async () => {
    const { get, made } = aCache(10)
    expect(await Promise.all([get('aa'), get('aa'), get('aa')])).toEqual(['aa', 'aa', 'aa'])
    await get('aa')
    expect(made).toEqual(['aa'])
  })

  it('keeps values up to its bound, and drops what was not used for longest', async () => {
    const { cache, get, made, dropped } = aCache(6)
    await get('aa')
    await get('bb')
    await get('cc')
    expect(cache.cost).toBe(6)
    await get('aa')
    await get('dd')
    await Promise.resolve()
    expect(dropped).toEqual(['bb'])
    await get('aa')
    expect(made).toEqual(['aa', 'bb', 'cc', 'dd'])
  })

  it('hands out a value that is larger than its bound, and keeps nothing of it', async () => {
    const { cache, get, made } = aCache(3)
    expect(await get('aaaa')).toBe('aaaa')
    expect(cache.cost).toBe(0)
    await get('aaaa')
    expect(made).toEqual(['aaaa', 'aaaa'])
  })

  it('forgets what failed, so that the next one who asks tries again', async () => {
    const { cache, get } = aCache(10)
    await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await get('a', 'b')).toBe('b')
  })

  it('does not keep what was being made when it was cleared', async () => {
    const { cache, get, made } = aCache(10)
    const before = get('aa')
    cache.clear()
    expect(await before).toBe('aa')
    expect(cache.cost).toBe(0)
    await get('aa')
    expect(made).toEqual(['aa', 'aa'])
    expect(cache.cost).toBe(2)
  })
})
