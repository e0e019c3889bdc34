import { Buffer } from 'node:buffer'
import { ByteBuf } from '@knotty/buffer'
import { checkFunction, checkOptions, toError } from '@knotty/common'
import { type ChannelHandler, EmbeddedChannel } from '@knotty/transport'
import {
  ByteToMessageDecoderVerifier,
  type DecoderCase,
  type DecoderVerifierOptions,
  type HandlerFactory,
} from './byte-to-message-decoder-verifier.js'
import { toComparable } from './comparable.js'
import { CodecVerificationError } from './errors.js'

/** What {@link codecRoundTrip} tests. */
export interface RoundTripCodec {
  /** The encoder, or several in the order of the pipeline: the last one encodes first. New ones at each call. */
  readonly encoder: HandlerFactory
  /** The decoder, or several in the order of the pipeline: the first one decodes first. New ones at each call. */
  readonly decoder: HandlerFactory
}

/**
 * Tests that what an encoder writes is read by the decoder as what it was, under every feed of {@link ByteToMessageDecoderVerifier}: each
 * sample by itself, and all in order through one encoder and one decoder.
 *
 *     codecRoundTrip({ encoder: () => new PointEncoder(), decoder: () => new PointDecoder() }, [{ x: 1, y: 2 }])
 *
 * Samples are compared by value with what is decoded. They are made by a function when encoding uses them up, because they hold ByteBufs
 * that the encoder releases; a sample that is itself a ByteBuf is copied and stays the caller's.
 *
 * Throws a {@link CodecVerificationError}: the verifier's, or with the reason `encode` when the encoder failed or wrote something other
 * than bytes.
 */
export function codecRoundTrip(
  codec: RoundTripCodec,
  samples: readonly unknown[] | (() => readonly unknown[]),
  options?: DecoderVerifierOptions,
): void {
  checkFunction(codec.encoder, 'encoder')
  if (options !== undefined) checkOptions(options, 'codecRoundTrip(codec, samples, { seed })')
  const verifier = new ByteToMessageDecoderVerifier(codec.decoder, { ...options, repeats: 0 })
  const fresh = typeof samples === 'function' ? samples : (): unknown[] => samples.map(copyOf)
  const cases: DecoderCase[] = fresh().map((sample, index) => encoded(codec.encoder, [sample], `sample ${index}`))
  if (cases.length > 1) cases.push(encoded(codec.encoder, fresh(), 'all samples'))
  verifier.verify(cases)
}

function encoded(newEncoder: HandlerFactory, samples: readonly unknown[], name: string): DecoderCase {
  const messages = samples.map(toComparable)
  const made = newEncoder()
  const channel = new EmbeddedChannel(...(Array.isArray(made) ? (made as ChannelHandler[]) : [made as ChannelHandler]))
  try {
    for (const sample of samples) channel.writeOutbound(sample)
    const input = Buffer.concat(channel.outboundMessages.map((written) => bytesOf(written)))
    channel.finishAndReleaseAll()
    return { name, input, messages }
  } catch (thrown) {
    discard(channel)
    const details = { caseName: name, feed: 'not fed', chunks: [] }
    throw new CodecVerificationError('encode', `${name}: encoding failed: ${toError(thrown).message}`, details, { cause: thrown })
  }
}

/** Of an encoder that failed; what else it throws then is not the reason. */
function discard(channel: EmbeddedChannel): void {
  try {
    channel.finishAndReleaseAll()
  } catch {
    // told already
  }
}

function copyOf(sample: unknown): unknown {
  return ByteBuf.isByteBuf(sample) ? sample.copy() : sample
}

function bytesOf(written: unknown): Uint8Array {
  if (ByteBuf.isByteBuf(written)) return Buffer.from(written.unsafeBuffer())
  if (written instanceof Uint8Array) return written
  throw new TypeError(`the encoder wrote ${typeof written}, not bytes`)
}
