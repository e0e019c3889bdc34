import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { ByteToMessageDecoder } from '@knotty/codec'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { giveBackDriver, takeDriver } from '../../../../packages/codec/dist/driver-pool.js'

/** Four bytes make a number; 0xffffffff is an error. */
class Integers extends ByteToMessageDecoder<number> {
  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: number[]): number | void {
    if (input.readableBytes < 4) return 4 - input.readableBytes
    const value = input.readUnsignedInt()
    if (value === 0xffffffff) throw new Error('bad')
    out.push(value)
  }
}

const bytes = (...values: number[]): ByteBuf => Unpooled.wrappedBuffer(Uint8Array.from(values))
const ONE = [0, 0, 0, 1]
const TWO = [0, 0, 0, 2]

describe('decoders that borrow what they decode with', () => {
  test('keep their unread bytes while others read', () => {
    const channels = Array.from({ length: 40 }, () => new EmbeddedChannel(new Integers()))
    for (const [index, channel] of channels.entries()) channel.writeInbound(bytes(0, 0, 0), bytes(index))
    for (const channel of channels) channel.writeInbound(bytes(0, 0))
    for (const channel of channels) channel.writeInbound(bytes(0, 9))
    for (const [index, channel] of channels.entries()) assert.deepEqual(channel.inboundMessages, [index, 9])
  })

  test('a failure stays with the one that failed', () => {
    const failed = new EmbeddedChannel(new Integers())
    assert.throws(() => failed.writeInbound(bytes(255, 255, 255, 255)), /bad/)
    const other = new EmbeddedChannel(new Integers())
    other.writeInbound(bytes(...ONE))
    assert.deepEqual(other.inboundMessages, [1])
    assert.throws(() => failed.writeInbound(bytes(...ONE)), { code: 'ERR_KNOTTY_DECODER_FAILED_BEFORE' })
    assert.deepEqual(failed.inboundMessages, [])
  })

  test('what was copied is still counted when another decoder has read meanwhile', () => {
    const decoder = new Integers()
    const channel = new EmbeddedChannel(decoder)
    channel.writeInbound(bytes(0, 0, 0), bytes(1))
    new EmbeddedChannel(new Integers()).writeInbound(bytes(...TWO))
    assert.deepEqual([decoder.copiedBytes, decoder.unreadBytes, channel.inboundMessages], [4, 0, [1]])
  })

  test('a read inside channelReadComplete, of this decoder or another, is a read like any other', () => {
    const inner = new EmbeddedChannel(new Integers())
    let left = 3
    const channel = new EmbeddedChannel(new Integers(), {
      channelReadComplete(ctx: ChannelHandlerContext) {
        if (left-- > 0) {
          inner.writeInbound(bytes(...TWO))
          ctx.pipeline.fireChannelRead(bytes(...TWO))
          ctx.pipeline.fireChannelReadComplete()
        }
        ctx.fireChannelReadComplete()
      },
    })
    channel.writeInbound(bytes(...ONE))
    assert.deepEqual([channel.inboundMessages, inner.inboundMessages], [[1, 2, 2, 2], [2, 2, 2]])
  })

  test('one that never read anything ends, is removed, and tells its counts', () => {
    const decoder = new Integers()
    const channel = new EmbeddedChannel(decoder)
    assert.deepEqual([decoder.copiedBytes, decoder.unreadBytes], [0, 0])
    channel.pipeline.remove(decoder)
    assert.throws(() => channel.pipeline.addLast(decoder), { code: 'ERR_KNOTTY_HANDLER_NOT_SHARABLE' })
    assert.equal(new EmbeddedChannel(new Integers()).finish(), false)
  })

  test('give it back when their channel has closed, so that the next one makes none', () => {
    const nobody = { decode: () => undefined, decodeLast: () => undefined, handlerRemoved0: () => undefined }
    const settings = { singleDecode: false, resynchronise: false, maxCumulationBytes: 1 }
    const driver = takeDriver(nobody, settings)
    giveBackDriver(driver)
    const channel = new EmbeddedChannel(new Integers())
    channel.writeInbound(bytes(...ONE))
    channel.close()
    assert.equal(channel.pipeline.first, undefined)
    assert.equal(takeDriver(nobody, settings), driver)
    giveBackDriver(driver)
  })
})
