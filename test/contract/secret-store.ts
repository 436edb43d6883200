/** The contract of SecretStore, run once per implementation. */
import { describe, expect } from 'vitest'
import { contractTests, type Skips, type TestSite } from './a-site.ts'

export function describeSecretStore(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`SecretStore: ${implementation}`, () => {
    contract('has a secret of 32 bytes from the start', async () => {
      const { store } = await (await aSite()).node()
      expect(store.secrets.current().map((each) => each.length)[0]).toBe(32)
    })

    contract('gives all nodes the same newest secret', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      expect(one.store.secrets.current()[0]).toEqual(two.store.secrets.current()[0])
    })

    contract('gives sites different secrets', async () => {
      const [here, there] = [await (await aSite()).node(), await (await aSite()).node()]
      expect(here.store.secrets.current()[0]).not.toEqual(there.store.secrets.current()[0])
    })
  })
}
