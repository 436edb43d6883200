import { describe, expect, it } from 'vitest'
import { checkOriginReference, originKind } from '../../../src/registry/origin-reference.ts'

describe('the origin of a torrent', () => {
  it.each([
    ['/srv/images/debian.qcow2', 'file'],
    ['https://mirror.example/debian.qcow2', 'http'],
    ['http://mirror.example:8080/a/b.iso', 'http'],
    ['s3://images/debian/13.qcow2', 's3'],
    ['s3://images', 's3'],
  ])('may be %s', (reference, kind) => {
    expect(checkOriginReference(reference)).toBe(reference)
    expect(originKind(reference)).toBe(kind)
  })

  it.each([
    ['images/debian.qcow2', 'the origin must be an absolute path, http(s)://… or s3://bucket/key'],
    ['', 'the origin must be an absolute path, http(s)://… or s3://bucket/key'],
    [
      'ftp://mirror.example/a',
      'a node cannot read ftp: as an origin; use an absolute path, http(s)://… or s3://bucket/key',
    ],
    [
      'https://user:pass@mirror.example/a',
      'the origin contains a user or password, which the list of torrents would show; leave them out',
    ],
    [
      's3://AKIA:secret@images/a',
      'the origin contains a user or password, which the list of torrents would show; leave them out',
    ],
    [
      'https://images.s3.example/a?X-Amz-Signature=abc',
      'the origin has a query or a fragment; a presigned URL is a secret that expires, so give the URL of the object without them',
    ],
    [
      'https://mirror.example/a#b',
      'the origin has a query or a fragment; a presigned URL is a secret that expires, so give the URL of the object without them',
    ],
    ['s3:///key', 'the origin has no host; write https://host/path or s3://bucket/key'],
    ['http://', 'the origin is not a valid URL; write https://host/path or s3://bucket/key'],
    ['/srv/a\nb', 'the origin contains a control character'],
  ])('cannot be %j', (reference, message) => {
    expect(() => checkOriginReference(reference)).toThrow(message)
  })

  it('has at most 4096 characters', () => {
    expect(checkOriginReference(`/${'a'.repeat(4095)}`)).toHaveLength(4096)
    expect(() => checkOriginReference(`/${'a'.repeat(4096)}`)).toThrow(
      'the origin has more than 4096 characters',
    )
  })
})
