/** An error of an origin, in one line for the operator. The message never contains a credential. */
import { InputError } from '../core/errors.ts'

/**
 * missing      the origin does not exist
 * forbidden    permissions or credentials do not allow access
 * changed      the content changed since the origin was opened
 * unusable     it can never be published: no ranges, no size, an empty folder, not a file
 * unreachable  no response, or the response broke off; a retry may succeed
 */
export type OriginErrorKind = 'missing' | 'forbidden' | 'changed' | 'unusable' | 'unreachable'

export class OriginError extends InputError {
  readonly kind: OriginErrorKind

  constructor(kind: OriginErrorKind, message: string) {
    super(message)
    this.name = 'OriginError'
    this.kind = kind
  }
}
