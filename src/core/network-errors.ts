/**
 * Describes errors of connections for an operator: the problem, its code, and the remedy.
 *
 * Node and undici report codes of the system, of OpenSSL, of the HTTP parser and of undici. An unknown code is shown
 * without an explanation.
 */

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Returns one clause, such as `connection refused (ECONNREFUSED); check that the server is running`. `authorityPath`: the
 * file with the authorities of this connection, in place of those that Node trusts.
 */
export function describeNetworkError(
  error: unknown,
  environment: Environment,
  authorityPath?: string,
): string {
  const code = networkErrorCode(error)
  if (UNTRUSTED.has(code)) {
    const remedy =
      authorityPath === undefined
        ? authorityHint(environment)
        : `add the certificate of its authority to ${authorityPath}`
    return `the certificate is not trusted (${code}); ${remedy}`
  }
  const [problem, remedy] = code.startsWith('HPE_') ? NOT_HTTP : (PROBLEMS[code] ?? UNKNOWN)
  return `${problem} (${code}); ${remedy}`
}

/** The code of the error or of its cause, or its name. */
function networkErrorCode(error: unknown): string {
  const { code, cause, name } = error as NodeJS.ErrnoException & { readonly cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined || cause === null ? (name ?? 'Error') : networkErrorCode(cause)
}

/** Node reads the variable only when it starts. */
function authorityHint(environment: Environment): string {
  const file = environment['NODE_EXTRA_CA_CERTS'] ?? ''
  return file === ''
    ? 'set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority and start the program again'
    : `add the certificate of its authority to ${file}, the file in NODE_EXTRA_CA_CERTS, and start the program again`
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
])

const UNKNOWN = ['no response', 'check that the server is running'] as const
const CLOSED = ['the server closed the connection', 'check the port and the protocol'] as const
const NO_ROUTE = ['no route to the host', 'check the address and the network'] as const
const TIMED_OUT = ['the connection timed out', 'check the address and the firewall'] as const
const NOT_HTTP = ['the response is not HTTP', 'check the port and the protocol'] as const
const NOT_TLS = ['the server does not use TLS on this port', 'write http:// or another port'] as const

const PROBLEMS: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  ECONNREFUSED: ['connection refused', 'check that the server is running'],
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  ENOTFOUND: ['the host name has no address', 'check its spelling'],
  EAI_AGAIN: ['the host name cannot be resolved', 'check its spelling and the name server'],
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ETIMEDOUT: TIMED_OUT,
  UND_ERR_CONNECT_TIMEOUT: TIMED_OUT,
  UND_ERR_HEADERS_TIMEOUT: ['the server sent no response in time', 'try again later'],
  EPROTO: NOT_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'the certificate is for another host name',
    'use a name that is in the certificate',
  ],
  CERT_HAS_EXPIRED: ['the certificate has expired', 'renew it on the server, or check the clock'],
  CERT_NOT_YET_VALID: ['the certificate is not valid yet', 'check the clock'],
}
