/** A certificate with its private key, as PEM texts, and the options of TLS that all connections of a node share. */
import type { SecureContextOptions } from 'node:tls'

export interface TlsPair {
  /** The certificate of the node first, then those between it and the root. */
  readonly certificate: string
  readonly key: string
  /** Certificates of the authorities that sign the certificates of the other side. undefined: the ones that Node trusts. */
  readonly authority: string | undefined
}

export function isSamePair(a: TlsPair, b: TlsPair): boolean {
  return a.certificate === b.certificate && a.key === b.key && a.authority === b.authority
}

/** TLS 1.2 and 1.3: earlier versions are broken (RFC 8996), and all clients of the tracker have one of the two. */
export function secureOptions({ certificate, key, authority }: TlsPair): SecureContextOptions {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    honorCipherOrder: true,
    ...(authority === undefined ? {} : { ca: authority }),
  }
}

/** TLS of a listener. */
export interface ListenerTls {
  /** Of new connections, at present. */
  readonly options: SecureContextOptions
  /** Open connections keep the certificate that they began with. */
  onReplace(listener: (options: SecureContextOptions) => void): void
}
