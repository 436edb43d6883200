/** Numbers of hosts: the same host has one number, and no choice of hosts makes them share slots. */
import { expect, it } from 'vitest'
import { HostTable } from '../../../src/handout/host-table.ts'

const secretOf = (number: number) => {
  const secret = Buffer.alloc(8)
  secret.writeUInt32LE(number)
  return secret
}

it('gives each host one number, also to those whose hashes differ by a multiple of the slots', () => {
  for (const hosts of [
    Array.from({ length: 48 }, (_, index) => index * 256),
    [0xffff_ffff, 0x8000_0000, 1],
  ]) {
    const table = new HostTable()
    table.begin()
    expect(hosts.map((host, number) => table.numberOf(host, number))).toEqual(
      hosts.map((_, number) => number),
    )
    expect(hosts.map((host) => table.numberOf(host, -1))).toEqual(hosts.map((_, number) => number))
    table.begin()
    expect(table.numberOf(hosts[0] ?? 0, 7)).toBe(7)
  }
})

it('does not depend on the secret', () => {
  for (const secret of [0, 1, 0x8000_0000, 0xffff_fffe]) {
    const table = new HostTable(secretOf(secret))
    table.begin()
    for (let host = 0; host < 100; host++) expect(table.numberOf(host * 65_536, host)).toBe(host)
  }
})
