/** Tests of HTTPS origins whose certificate cannot be verified. test/system/publish-from-servers has the remedy. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import { anAuthority } from '../../an-authority.ts'
import { aWebServer } from '../../a-web-server.ts'
import { needs } from '../../setup/needs.ts'

const signal = new AbortController().signal

const open = (reference: string, environment: Readonly<Record<string, string>> = {}) =>
  openOrigin(reference, { environment, signal })

describe.skipIf(needs('openssl'))('a certificate', () => {
  const served = async (...of: Parameters<typeof anAuthority>) => {
    const server = await aWebServer(Buffer.from('abcdefghij'), anAuthority(...of))
    onTestFinished(() => server.close())
    return server
  }
  const credentials = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }

  it('of an unknown authority is reported with the variable that names the authority', async () => {
    const { url } = await served()
    const problem = 'the certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE); '
    const remedy =
      'set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority and start the program again'
    await expect(open(`${url}/f`)).rejects.toMatchObject({
      kind: 'unreachable',
      message: `${url}/f: ${problem}${remedy}`,
    })
    await expect(open('s3://images/f', { ...credentials, AWS_ENDPOINT_URL: url })).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining(`${problem}${remedy}`),
    })
  })

  it('of an authority that is missing in NODE_EXTRA_CA_CERTS is reported with that file', async () => {
    const { url } = await served()
    await expect(open(`${url}/f`, { NODE_EXTRA_CA_CERTS: '/etc/ca.pem' })).rejects.toThrow(
      'add the certificate of its authority to /etc/ca.pem, the file in NODE_EXTRA_CA_CERTS',
    )
  })
})

it('an https:// URL of a server without TLS is reported', async () => {
  const server = createServer((_request, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  await expect(open(`https://127.0.0.1:${port}/f`)).rejects.toThrow(
    /: the server does not use TLS on this port \(\w+\); write http:\/\/ or another port$/,
  )
})

it('a host name without an address is reported', async () => {
  await expect(open('http://nowhere.invalid/f')).rejects.toThrow(
    /^http:\/\/nowhere\.invalid\/f: the host name (?:has no address \(ENOTFOUND\)|cannot be resolved \(EAI_AGAIN\)); check its spelling/,
  )
})
