import { KnottyError, type KnottyErrorOptions } from '@knotty/common'

/** What a codec did wrong; see {@link CodecVerificationError.reason}. */
export type VerificationReason = 'messages' | 'errors' | 'order' | 'left-over' | 'release' | 'read' | 'encode'

/** Where a verification failed, and what was found there. */
export interface VerificationDetails {
  readonly caseName: string
  readonly feed: string
  readonly chunks: readonly string[]
  readonly expected?: unknown
  readonly actual?: unknown
}

/**
 * A decoder or encoder does not do what its test says. `code` is `ERR_KNOTTY_CODEC_VERIFICATION`. The message has everything needed to
 * see it again: the case, the feed (with the seed of a random one), the chunks, what was expected and what came. Test runners that
 * know `expected` and `actual` show the difference.
 */
export class CodecVerificationError extends KnottyError {
  /**
   * - `messages`: others than expected, too few or too many
   * - `errors`: the same of the errors
   * - `order`: the errors came between other messages than with the first chunks that were tried
   * - `left-over`: other bytes than expected were handed on when the decoder was removed
   * - `release`: a chunk still has references although the messages are released, or a message cannot be released
   * - `read`: with AUTO_READ off nobody asked for the next chunk
   * - `encode`: the encoder failed, or wrote something that is not bytes
   */
  readonly reason: VerificationReason
  readonly caseName: string
  readonly feed: string
  /** The chunks as hexadecimal text, the long ones cut. */
  readonly chunks: readonly string[]
  readonly expected: unknown
  readonly actual: unknown

  constructor(reason: VerificationReason, message: string, details: VerificationDetails, options?: KnottyErrorOptions) {
    super('ERR_KNOTTY_CODEC_VERIFICATION', message, options)
    this.reason = reason
    this.caseName = details.caseName
    this.feed = details.feed
    this.chunks = details.chunks
    this.expected = details.expected
    this.actual = details.actual
  }
}
