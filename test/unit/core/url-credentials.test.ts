/** Tests of the removal of credentials from URLs that are shown. */
import { expect, it } from 'vitest'
import { redactUrl, takeCredentials, withoutCredentials } from '../../../src/core/url-credentials.ts'

it.each([
  ['http://host/x', 'http://host/x'],
  ['http://me:4711@host/x?sig=4711#4711', 'http://host/x'],
  ['https://4711@host', 'https://host'],
  ['http://me:4711@4711@host/', 'http://host'],
  ['http://me:4711@[', 'http://['],
  ['http://me:pa/4711@host/x', 'http://host/x'],
  ['http://me:pa#4711@host:x/', 'http://host:x/'],
  ['me:4711@host', 'host'],
  ['4711@host?4711', 'host'],
  ['file:///srv/a@2x.png', 'file:///srv/a@2x.png'],
  ['https://host/pkg@1.2/file', 'https://host/pkg@1.2/file'],
])('%s is shown as %s', (text, shown) => {
  expect(redactUrl(text)).toBe(shown)
})

it('credentials are removed from every URL of a message', () => {
  expect(
    withoutCredentials('cannot copy http://me:47@11@a/x to "udp://4711@b:1/announce", me@example.org'),
  ).toBe('cannot copy http://a/x to "udp://b:1/announce", me@example.org')
})

it('the placeholder of a hint stays', () => {
  expect(withoutCredentials('write http://user:password@host')).toBe('write http://user:password@host')
})

it('credentials become Basic authorization, percent-decoded, and leave the URL', () => {
  const url = new URL('http://m%40:s%C3%A9%@host/')
  expect(takeCredentials(url)).toBe(`Basic ${Buffer.from('m@:s%C3%A9%').toString('base64')}`)
  expect(url.href).toBe('http://host/')
  expect(takeCredentials(new URL('http://host/'))).toBeUndefined()
})
