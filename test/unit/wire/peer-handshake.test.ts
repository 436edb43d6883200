import { describe, expect, it } from 'vitest'
import { readCompleteness, writeHandshake } from '../../../src/wire/peer/handshake.ts'

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
    expect(readCompleteness(answer([0, 0, 0, 3, 5, 0xff, 0xff]), infoHash)).toBe(true)
  })

  it('tell the same where spare bits follow the last piece', () => {
    expect(readCompleteness(answer([0, 0, 0, 3, 5, 0xff, 0xe0]), infoHash)).toBe(true)
  })

  it('tell of a missing piece in the middle that something is missing', () => {
    expect(readCompleteness(answer([0, 0, 0, 3, 5, 0xfb, 0xe0]), infoHash)).toBe(false)
  })

  it('tell of a hole in the last byte that something is missing', () => {
    expect(readCompleteness(answer([0, 0, 0, 3, 5, 0xff, 0xa0]), infoHash)).toBe(false)
  })

  it('tell of an empty last byte that something is missing', () => {
    expect(readCompleteness(answer([0, 0, 0, 3, 5, 0xff, 0x00]), infoHash)).toBe(false)
  })

  it('tell of a peer that begins with another message that it has nothing to show', () => {
    expect(readCompleteness(answer([0, 0, 0, 1, 2]), infoHash)).toBe(false)
  })

  it('tell of a keep-alive that it has nothing to show', () => {
    expect(readCompleteness(answer([0, 0, 0, 0], [0, 0, 0, 3, 5, 0xff, 0xff]), infoHash)).toBe(false)
  })

  it('need to be there in full, however they are cut', () => {
    const whole = answer([0, 0, 0, 3, 5, 0xff, 0xff])
    for (let length = 0; length < whole.length; length++)
      expect(readCompleteness(whole.subarray(0, length), infoHash)).toBeUndefined()
  })

  it('are refused from whoever speaks another protocol', () => {
    expect(() => readCompleteness(Buffer.from('HTTP/1.1 400 Bad Request\r\n'), infoHash)).toThrow(
      'not the BitTorrent protocol',
    )
  })

  it('are refused from a peer of another torrent', () => {
    expect(() => readCompleteness(greeting, Buffer.alloc(20))).toThrow('another torrent')
  })

  it('are refused with a bitfield larger than any torrent needs', () => {
    expect(() => readCompleteness(answer([0x7f, 0, 0, 0, 5]), infoHash)).toThrow('larger than any torrent')
  })
})
