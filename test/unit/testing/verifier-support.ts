import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { ByteBuf } from '@knotty/buffer'
import { ByteToMessageDecoder } from '@knotty/codec'
import { ByteToMessageDecoderVerifier, CodecVerificationError, type DecoderCase, type DecoderVerifierOptions } from '@knotty/testing'
import type { ChannelHandlerContext } from '@knotty/transport'

export type Decode = (ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]) => number | void

export class FunctionDecoder extends ByteToMessageDecoder {
  private readonly function: Decode

  constructor(decode: Decode, resynchronise = false) {
    super({ resynchronise })
    this.function = decode
  }

  protected override decode(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    return this.function(ctx, input, out)
  }
}

/** A byte with the length, then so many bytes, as they are. */
export const framed: Decode = (_ctx, input, out) => {
  const length = input.getUnsignedByte(input.readerIndex)
  if (input.readableBytes <= length) return
  input.skipBytes(1)
  out.push(input.readRetainedSlice(length))
}

export const verifier = (decode: Decode, options?: DecoderVerifierOptions): ByteToMessageDecoderVerifier =>
  new ByteToMessageDecoderVerifier(() => new FunctionDecoder(decode), options)

export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
export const ABC: DecoderCase = { input: bytes('03 616263'), messages: [bytes('616263')] }

/** The error of a verification that must fail. */
export function failureOf(run: () => void): CodecVerificationError {
  let thrown: unknown
  try {
    run()
  } catch (error) {
    thrown = error
  }
  assert.ok(thrown instanceof CodecVerificationError, `not a failed verification: ${String(thrown)}`)
  assert.equal(thrown.code, 'ERR_KNOTTY_CODEC_VERIFICATION')
  return thrown
}
