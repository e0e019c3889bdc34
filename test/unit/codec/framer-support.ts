import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { TestContext } from 'node:test'
import { ByteBuf, ByteBufUtil } from '@knotty/buffer'
import { type ByteToMessageDecoder, DecoderError } from '@knotty/codec'
import { type ChannelHandler, EmbeddedChannel } from '@knotty/transport'
import { Collector, decoding } from './support.js'

/**
 * What a decoder makes of the pieces: frames as `buf <hex>`, errors as `error <name>`. After the last piece empty chunks come until nothing
 * more comes out: what waits behind an error that was thrown needs a read each. Every chunk must be released.
 */
export function eventsOf(decoder: ByteToMessageDecoder, chunks: readonly Uint8Array[]): string[] {
  const { channel, collector, reader } = decoding(decoder)
  for (const chunk of chunks) reader.read(chunk)
  let before = -1
  while (before < frameEvents(collector).length) {
    before = frameEvents(collector).length
    reader.read(Buffer.alloc(0))
  }
  channel.finish()
  const events = frameEvents(collector)
  collector.takeFrames()
  reader.assertReleased()
  return events
}

function frameEvents(collector: Collector): string[] {
  return collector.log.filter((entry) => entry.startsWith('buf') || entry.startsWith('error'))
}

/** Random bytes never give another error than a DecoderError, and after each chunk no more than `limit` bytes are kept. */
export function assertBounded(decoder: ByteToMessageDecoder, chunks: readonly Uint8Array[], limit: number): void {
  const { channel, collector, reader } = decoding(decoder)
  let received = 0
  for (const chunk of chunks) {
    reader.read(chunk)
    received += chunk.length
    assert.ok(decoder.unreadBytes <= limit, `${decoder.unreadBytes} bytes unread`)
    assert.ok(decoder.copiedBytes <= 2.5 * received, `${decoder.copiedBytes} of ${received} bytes copied`)
  }
  channel.finish()
  for (const error of collector.errors) assert.ok(error instanceof DecoderError, String(error))
  collector.takeFrames()
  reader.assertReleased()
}

/** What searches did since {@link countSearched}. */
export interface Searched {
  calls: number
  /** How many bytes they looked at. */
  bytes: number
}

/** Counts the searches for a byte or for several from now on, until the test ends. */
export function countSearched(t: TestContext): Searched {
  const searched: Searched = { calls: 0, bytes: 0 }
  const inByteBuf = ByteBuf.prototype.indexOf
  t.mock.method(ByteBuf.prototype, 'indexOf', function (this: ByteBuf, from: number, to: number, value: number): number {
    const found = inByteBuf.call(this, from, to, value)
    searched.calls++
    searched.bytes += (found < 0 ? to : found + 1) - from
    return found
  })
  const inBuffer = Buffer.prototype.indexOf
  t.mock.method(Buffer.prototype, 'indexOf', function (this: Buffer, value: number | Uint8Array, from: number = 0): number {
    const found = inBuffer.call(this, value, from)
    // a search for one byte is part of one in a ByteBuf
    if (typeof value === 'number') return found
    searched.calls++
    searched.bytes += Math.max(0, (found < 0 ? this.length : found + 1) - from)
    return found
  })
  return searched
}

/** Chunks of one byte each. */
export function byteByByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
}

/** What an encoder writes for the messages: buffers as hex, other messages as they are. */
export function encoded(encoder: ChannelHandler, ...messages: unknown[]): unknown[] {
  const channel = new EmbeddedChannel(encoder)
  channel.writeOutbound(...messages)
  return channel.outboundMessages.splice(0).map((msg) => (ByteBuf.isByteBuf(msg) ? takeHex(msg) : msg))
}

/** The readable bytes; the buffer is released. */
export function takeHex(buffer: ByteBuf): string {
  const hex = ByteBufUtil.hexDump(buffer)
  buffer.release()
  return hex
}
