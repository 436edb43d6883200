/** Prefixes in the bundle of `locate`, which checks their length alone: ip-cidr rejects nothing else. */
import fc from 'fast-check'
import IPCIDR from 'ip-cidr'
import { expect, test } from 'vitest'
import locatePrefixLength from '../../src/cli/locate-prefix-length.ts'
import { Address, parseAddress } from '../../src/core/address.ts'

/** Characters and parts of addresses, so that many texts are nearly prefixes. */
const part = fc.constantFrom(
  '0',
  '1',
  '9',
  '10',
  '255',
  '256',
  '00',
  'f',
  'FD00',
  'ffff',
  '.',
  ':',
  '::',
  '1.2.3.4',
)
const host = fc.oneof(
  fc.array(part, { minLength: 1, maxLength: 16 }).map((parts) => parts.join('')),
  fc.ipV4(),
  fc.ipV6(),
  fc
    .tuple(...Array.from({ length: 4 }, () => fc.nat(0xffff_ffff)))
    .map((words) => new Address(...(words as [number, number, number, number])).toString()),
)

/** The guards of `readPrefix` before it asks ip-cidr. */
function isAsked(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && !(text.includes(':') && (address.isV4 || text.includes('.')))
}

test('both accept the same prefixes', () => {
  fc.assert(
    fc.property(host.filter(isAsked), fc.nat(140), (address, length) => {
      const prefix = `${address}/${length}`
      expect(locatePrefixLength.isValidCIDR(prefix)).toBe(IPCIDR.isValidCIDR(prefix))
    }),
    { numRuns: 5_000 },
  )
})
