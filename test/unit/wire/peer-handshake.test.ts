import { describe, expect, it } from 'vitest'
import { readShare, writeHandshake } from '../../../src/wire/peer/handshake.ts'

const infoHash = Buffer.from('2bcb3dab253c7e8c9355b33f262efadd63005087', 'hex')
const greeting = writeHandshake(infoHash, Buffer.from('-lt0D80-abcdefghijkl', 'latin1'))

function answer(...messages: readonly (readonly number[])[]): Buffer {
  return Buffer.concat([greeting, ...messages.map((bytes) => Buffer.from(bytes))])
}

describe('the first messages of a peer', () => {
  it('are written with the protocol, no extension, the infohash and the peer id', () => {
    expect(greeting.toString('latin1')).toBe(
      `\x13BitTorrent protocol\0\0\0\0\0\0\0\0${infoHash.toString('latin1')}-lt0D80-abcdefghijkl`,
    )
  })

  it('tell of a full bitfield that the peer has everything', () => {
    expect(readShare(answer([0, 0, 0, 3, 5, 0xff, 0xff]), infoHash)).toBe(1)
  })

  it('tell the same where spare bits follow the last piece', () => {
    expect(readShare(answer([0, 0, 0, 3, 5, 0xff, 0xe0]), infoHash)).toBe(1)
  })

  it('tell of a missing piece in the middle which share is there', () => {
    expect(readShare(answer([0, 0, 0, 3, 5, 0xfb, 0xe0]), infoHash)).toBe(10 / 11)
  })

  it('tell of a hole in the last byte that something is missing', () => {
    expect(readShare(answer([0, 0, 0, 3, 5, 0xff, 0xa0]), infoHash)).toBe(10 / 11)
  })

  it('tell of an empty last byte that something is missing', () => {
    expect(readShare(answer([0, 0, 0, 3, 5, 0xff, 0x00]), infoHash)).toBe(0.5)
  })

  it('tell of a peer that begins with another message that it has nothing to show', () => {
    expect(readShare(answer([0, 0, 0, 1, 2]), infoHash)).toBe(0)
  })

  it('tell of a keep-alive that it has nothing to show', () => {
    expect(readShare(answer([0, 0, 0, 0], [0, 0, 0, 3, 5, 0xff, 0xff]), infoHash)).toBe(0)
  })

  it('need to be there in full, however they are cut', () => {
    const whole = answer([0, 0, 0, 3, 5, 0xff, 0xff])
    for (let length = 0; length < whole.length; length++)
      expect(readShare(whole.subarray(0, length), infoHash)).toBeUndefined()
  })

  it('are refused from whoever speaks another protocol', () => {
    expect(() => readShare(Buffer.from('HTTP/1.1 400 Bad Request\r\n'), infoHash)).toThrow(
      'not the BitTorrent protocol',
    )
  })

  it('are refused from a peer of another torrent', () => {
    expect(() => readShare(greeting, Buffer.alloc(20))).toThrow('another torrent')
  })

  it('are refused with a bitfield larger than any torrent needs', () => {
    expect(() => readShare(answer([0x7f, 0, 0, 0, 5]), infoHash)).toThrow('larger than any torrent')
  })
})
