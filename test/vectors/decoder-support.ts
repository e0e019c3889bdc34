import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { ByteBuf, ByteBufUtil, Unpooled } from '@knotty/buffer'
import type { ChannelHandler, ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { javaNameOf } from './java-names.js'

/** What came out of a decoder: a frame as hex, or an exception by its Java name. */
export type DecoderEvent = string | { readonly ex: string }

/** What the constructor is expected to throw; JSON has `constructor` as a property of its own, every other object inherits one. */
export function constructorErrorOf(vector: object): unknown {
  return Object.hasOwn(vector, 'constructor') ? (vector as { constructor: unknown }).constructor : undefined
}

/** A new, exactly full buffer; of no bytes too, which is delivered like any other. */
export function chunkOf(hex: string): ByteBuf {
  return hex === '' ? Unpooled.buffer(0) : Unpooled.wrappedBuffer(Buffer.from(hex, 'hex'))
}

/** Sits behind a decoder: notes and releases the frames, notes the exceptions. */
export class FrameRecorder implements ChannelHandler {
  events: DecoderEvent[] = []

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    assert.ok(ByteBuf.isByteBuf(msg), `no buffer: ${String(msg)}`)
    this.events.push(ByteBufUtil.hexDump(msg))
    msg.release()
  }

  exceptionCaught(_ctx: ChannelHandlerContext, cause: Error): void {
    this.events.push({ ex: javaNameOf(cause) })
  }

  /** The events since the last call. */
  take(): DecoderEvent[] {
    return this.events.splice(0)
  }
}

/** The part of a frame decoder's case that {@link playChunks} needs. */
export interface ChunkCase {
  readonly chunks: readonly string[]
  readonly expect?: readonly (readonly DecoderEvent[])[]
  readonly finish?: readonly DecoderEvent[]
}

/** Writes each chunk and compares the events of each, then those of finish(); every chunk must be released in the end. */
export function playChunks(
  channel: EmbeddedChannel,
  recorder: FrameRecorder,
  vector: ChunkCase,
): void {
  assert.equal(vector.expect?.length, vector.chunks.length)
  const chunks = vector.chunks.map(chunkOf)
  chunks.forEach((chunk, index) => {
    channel.writeInbound(chunk)
    assert.deepEqual(recorder.take(), vector.expect?.[index], `chunk ${index}: ${vector.chunks[index]}`)
  })
  channel.finish()
  assert.deepEqual(recorder.take(), vector.finish, 'finish')
  chunks.forEach((chunk, index) => assert.equal(chunk.refCnt, 0, `references to chunk ${index}`))
}
