import { DefaultPromise, KnottyError, type KnottyErrorOptions } from '@knotty/common'
import { ChannelHandlerContext, ChannelPipeline } from '@knotty/transport'

/** Base of the errors of decoders and encoders. `code` is `ERR_KNOTTY_CODEC` unless a subclass has its own. */
export class CodecError extends KnottyError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_CODEC') {
    super(code, message, options)
  }
}

/**
 * A decoder failed: `decode` threw something else (then that is the `cause`), or broke the contract of `decode`. It goes to
 * exceptionCaught, beginning with the decoder's own. Codes:
 *
 * - `ERR_KNOTTY_DECODER`: the general one
 * - `ERR_KNOTTY_ASYNC_CODEC`: `decode` or `decodeLast` returned a Promise
 * - `ERR_KNOTTY_DECODER_FAILED_BEFORE`: bytes came after the error that ended decoding; told once, later bytes are dropped silently
 * - those of the subclasses
 */
export class DecoderError extends CodecError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_DECODER') {
    super(message, options, code)
  }
}

/**
 * An encoder failed: `encode` threw something else (then that is the `cause`), or broke its contract. It fails the promise of the write;
 * without a promise it goes to exceptionCaught. Codes: `ERR_KNOTTY_ENCODER`, and `ERR_KNOTTY_ASYNC_CODEC` when `encode` returned a Promise.
 */
export class EncoderError extends CodecError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_ENCODER') {
    super(message, options, code)
  }
}

/**
 * A frame is longer than the decoder takes; the message has the limit and the length. `code` is `ERR_KNOTTY_TOO_LONG_FRAME`, or
 * `ERR_KNOTTY_CUMULATION_LIMIT` when `maxCumulationBytes` of unread bytes were exceeded.
 */
export class TooLongFrameError extends DecoderError {
  constructor(message: string, options?: KnottyErrorOptions, code = 'ERR_KNOTTY_TOO_LONG_FRAME') {
    super(message, options, code)
  }
}

/** The bytes of a frame contradict themselves, such as a negative length. `code` is `ERR_KNOTTY_CORRUPTED_FRAME`. */
export class CorruptedFrameError extends DecoderError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_CORRUPTED_FRAME')
  }
}

/** Code of the error for exceeding `maxCumulationBytes`. Unread bytes are dropped then, so no decoder can go on. */
export const CUMULATION_LIMIT: string = 'ERR_KNOTTY_CUMULATION_LIMIT'

/** Code of the error for a Promise where an encoder or decoder must be done when it returns. */
export const ASYNC_CODEC: string = 'ERR_KNOTTY_ASYNC_CODEC'

/**
 * True when a method that must not be async returned a promise, and not the future of a write or the like. Its rejection is taken notice of
 * here, so that it does not end the process as an unhandledRejection: what counts is the error that the caller throws for it.
 */
export function isStrayPromise(result: unknown): boolean {
  if (typeof result !== 'object' || result === null || result instanceof DefaultPromise) return false
  if (typeof (result as PromiseLike<unknown>).then !== 'function') return false
  Promise.resolve(result as PromiseLike<unknown>).catch(() => undefined)
  return true
}

/**
 * True when what a method returned that added nothing may be the message itself. Not what calls on `ctx` give back
 * (`return ctx.fireUserEventTriggered(event)`), nor true and what is falsy: `return isWhole && out.push(msg)`, `return out.push(...none)`.
 */
export function isStrayMessage(ctx: ChannelHandlerContext, result: unknown): boolean {
  if (!result || result === true || result === ctx.channel) return false
  return !(result instanceof ChannelHandlerContext || result instanceof ChannelPipeline || result instanceof DefaultPromise)
}
