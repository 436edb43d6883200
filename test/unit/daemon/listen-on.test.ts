import { describe, expect, it } from 'vitest'
import { listenOn } from '../../../src/daemon/listen-on.ts'

/** A kernel without IPv6 refuses each IPv6 socket. */
const withoutIpv6 = ({ host }: { readonly host: string }) =>
  host.includes(':')
    ? Promise.reject(Object.assign(new Error(`listen EAFNOSUPPORT ${host}`), { code: 'EAFNOSUPPORT' }))
    : Promise.resolve(6969)

describe('a listener on all addresses', () => {
  it('has both families where the machine has them', async () => {
    expect(await listenOn({ host: '::', port: 0 }, () => Promise.resolve(4321))).toEqual({
      host: '::',
      port: 4321,
    })
  })

  it('has the addresses of IPv4 where the machine has no IPv6', async () => {
    expect(await listenOn({ host: '::', port: 6969 }, withoutIpv6)).toEqual({ host: '0.0.0.0', port: 6969 })
  })

  it('does not replace an address that the configuration names', async () => {
    await expect(listenOn({ host: 'fd00::1', port: 6969 }, withoutIpv6)).rejects.toThrow('EAFNOSUPPORT')
  })

  it('fails where the port is in use', async () => {
    const inUse = () => Promise.reject(Object.assign(new Error('in use'), { code: 'EADDRINUSE' }))
    await expect(listenOn({ host: '::', port: 6969 }, inUse)).rejects.toThrow('in use')
  })
})
