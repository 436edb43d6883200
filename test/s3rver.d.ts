/** The package `s3rver` 3 has no types. Only what the tests call is declared. */
declare module 's3rver' {
  import type { AddressInfo } from 'node:net'

  export default class S3rver {
    constructor(options: {
      readonly port: number
      readonly address: string
      readonly silent: boolean
      readonly directory: string
      readonly vhostBuckets: boolean
      readonly key?: Buffer
      readonly cert?: Buffer
    })
    run(): Promise<AddressInfo>
    close(): Promise<void>
  }
}
