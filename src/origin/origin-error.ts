/** What is wrong with a source of content, in one line for whoever named it; never with a credential in it. */
import { InputError } from '../core/errors.ts'

/**
 * missing      there is nothing of that name
 * forbidden    it is there, and not for us: permissions, credentials
 * changed      it is no longer what it was when it was opened
 * unusable     it can never be published: no ranges, no size, an empty folder, not a file
 * unreachable  nobody answered, or the answer broke off; later it may work
 */
export type OriginTrouble = 'missing' | 'forbidden' | 'changed' | 'unusable' | 'unreachable'

export class OriginError extends InputError {
  readonly trouble: OriginTrouble

  constructor(trouble: OriginTrouble, message: string) {
    super(message)
    this.name = 'OriginError'
    this.trouble = trouble
  }
}
