import { toError } from '@knotty/common'
import { ASYNC_CODEC, CUMULATION_LIMIT, DecoderError, TooLongFrameError } from './errors.js'

const nameOf = (decoder: object): string => decoder.constructor.name

/** What a decoder threw, as a {@link DecoderError}. */
export function asDecoderError(decoder: object, thrown: unknown): DecoderError {
  if (thrown instanceof DecoderError) return thrown
  const cause = toError(thrown)
  return new DecoderError(`${nameOf(decoder)} failed: ${cause.message}`, { cause })
}

/** The error for an async decoder. */
export function asyncDecoder(decoder: object, method: string): DecoderError {
  const message =
    `${nameOf(decoder)}.${method}() returned a Promise, but it must be done when it returns: ` +
    'pass the message on and do the asynchronous work in a later handler'
  return new DecoderError(message, undefined, ASYNC_CODEC)
}

/** `return msg` in place of `out.push(msg)`: the message would be lost without a word. */
export function strayResult(decoder: object, result: unknown): DecoderError {
  return new DecoderError(
    `${nameOf(decoder)}.decode() returned a value of type ${typeof result}: it returns the number of missing bytes or nothing, and messages go ` +
      'to out.push(msg)',
  )
}

/** The same in a decoder of messages. */
export function strayMessage(decoder: object, result: unknown): DecoderError {
  return new DecoderError(`${nameOf(decoder)}.decode() returned a value of type ${typeof result}: messages go to out.push(msg)`)
}

/** A subclass has no `decode`, which only a compiler would notice before the first bytes. */
export function noDecode(decoder: object): DecoderError {
  return new DecoderError(`${nameOf(decoder)} has no method decode(ctx, input, out)`)
}

/** A message was added and no byte was read: that would go on for ever. */
export function nothingRead(decoder: object): DecoderError {
  return new DecoderError(`${nameOf(decoder)}.decode() did not read anything but decoded a message`)
}

/** More bytes are unread, or will be, than may be kept. */
export function cumulationLimit(decoder: object, limit: number, unread: number, missing: number): TooLongFrameError {
  const more = missing > 0 ? `, and ${nameOf(decoder)} waits for ${missing} more` : ''
  const message = `maxCumulationBytes: ${limit} exceeded, ${unread} bytes are unread${more}; all are dropped`
  return new TooLongFrameError(message, undefined, CUMULATION_LIMIT)
}

/** Bytes came after the error that ended decoding. */
export function laterBytes(decoder: object, failure: DecoderError | undefined, bytes: number): DecoderError {
  const why = `${nameOf(decoder)} has failed before (${failure?.message})`
  const message = `${why}: ${bytes} bytes that came later, and all that follow, are dropped`
  return new DecoderError(message, { cause: failure }, 'ERR_KNOTTY_DECODER_FAILED_BEFORE')
}
