/** Reads the endpoint, region and credentials of the S3 client from the variables of the AWS tools. */
import { redactUrl } from '../core/url-credentials.ts'
import { OriginError } from './origin-error.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface S3Settings {
  /** undefined for Amazon S3. */
  readonly endpoint:
    | {
        readonly url: string
        readonly protocol: string
        /** For messages: without user and password. */
        readonly origin: string
        readonly variable: string
      }
    | undefined
  /** undefined to let the SDK read it from ~/.aws/config. */
  readonly region: string | undefined
  /** undefined to let the SDK find them in ~/.aws or in the role of the machine. */
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined
  readonly environment: Environment
}

/** An empty variable counts as unset, as for the AWS tools. Throws an `OriginError` for an invalid endpoint. */
export function readS3Settings(environment: Environment): S3Settings {
  const read = (...variables: readonly string[]) => {
    const variable = variables.find((name) => (environment[name] ?? '') !== '')
    return variable === undefined ? undefined : { variable, value: environment[variable] as string }
  }
  const endpoint = readEndpoint(read('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'))
  const accessKeyId = read('AWS_ACCESS_KEY_ID')?.value
  const secretAccessKey = read('AWS_SECRET_ACCESS_KEY')?.value
  const sessionToken = read('AWS_SESSION_TOKEN')?.value
  return {
    endpoint,
    // Stores other than Amazon's rarely check the region, but a signature requires one.
    region:
      read('AWS_REGION', 'AWS_DEFAULT_REGION')?.value ?? (endpoint === undefined ? undefined : 'us-east-1'),
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    environment,
  }
}

function readEndpoint(
  given: { readonly variable: string; readonly value: string } | undefined,
): S3Settings['endpoint'] {
  if (given === undefined) return undefined
  const { variable, value } = given
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new OriginError('unusable', `${variable}: not the URL of a store; write https://host:port`)
  if (url.username !== '' || url.password !== '')
    throw new OriginError(
      'unusable',
      `${variable}: user and password are not used; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    )
  return { url: value, protocol: url.protocol, origin: redactUrl(value), variable }
}
