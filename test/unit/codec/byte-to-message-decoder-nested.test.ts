import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import type { ChannelHandlerContext } from '@knotty/transport'
import { byByte, byInt, byIntWithHint, bytesOf, codesOf, decoding, TestDecoder } from './support.js'

const chunk = (hex: string): ByteBuf => Unpooled.wrappedBuffer(bytesOf(hex))

/** Bytes one by one; for each the action of that byte runs before the byte is added. */
function acting(actions: Readonly<Record<number, (ctx: ChannelHandlerContext) => void>>, resynchronise = false): TestDecoder {
  return new TestDecoder(
    (ctx, input, out) => {
      const byte = input.readUnsignedByte()
      actions[byte]?.(ctx)
      out.push(byte)
    },
    { resynchronise },
  )
}

const fail = (): never => {
  throw new Error('boom')
}

describe('a channelRead from inside a channelRead', () => {
  test('waits until the chunk that is being decoded is through, when a later handler makes it', () => {
    const decoder = new TestDecoder(byByte)
    const { channel, collector, reader } = decoding(decoder)
    collector.onMessage = (_ctx, msg) => {
      if (msg === 1) channel.pipeline.fireChannelRead(chunk('0809'))
    }
    reader.read(bytesOf('010203'))
    assert.deepEqual(collector.messages, [1, 2, 3, 8, 9])
    reader.assertReleased()
  })

  test('waits when decode itself makes it', () => {
    const { collector, reader } = decoding(acting({ 1: (ctx) => void ctx.pipeline.fireChannelRead(chunk('0809')) }))
    reader.read(bytesOf('010203'))
    assert.deepEqual(collector.messages, [1, 2, 3, 8, 9])
  })

  test('goes on with the rest that the first one left', () => {
    const { channel, collector, reader } = decoding(new TestDecoder(byInt))
    collector.onMessage = (_ctx, msg) => {
      if (msg === 1) channel.pipeline.fireChannelRead(chunk('0002'))
    }
    reader.read(bytesOf('000000010000'))
    assert.deepEqual(collector.messages, [1, 2])
  })

  test('may come from what a waiting one fires, at any depth, in order', () => {
    const { channel, collector, reader } = decoding(new TestDecoder(byByte))
    collector.onMessage = (_ctx, msg) => {
      if (msg === 1) channel.pipeline.fireChannelRead(chunk('02'))
      if (msg === 2) channel.pipeline.fireChannelRead(chunk('03'))
    }
    reader.read(bytesOf('0109'))
    assert.deepEqual(collector.messages, [1, 9, 2, 3])
  })

  test('is read although decode throws while it waits (a)', () => {
    const again = acting({ 1: (ctx) => void ctx.pipeline.fireChannelRead(chunk('0809')), 2: fail }, true)
    const { collector, reader } = decoding(again)
    reader.read(bytesOf('0102'))
    assert.deepEqual(collector.takeLog(), ['msg 1', 'error DecoderError', 'msg 8', 'msg 9', 'readComplete'])
    reader.read(bytesOf('05'))
    assert.deepEqual(collector.takeLog(), ['msg 5', 'readComplete'])
  })

  test('is released when decode threw for good while it waited (a)', () => {
    const waiting = chunk('0809')
    const final = acting({ 1: (ctx) => void ctx.pipeline.fireChannelRead(waiting), 2: fail })
    const { collector, reader } = decoding(final)
    reader.read(bytesOf('0102'))
    assert.deepEqual(collector.messages, [1])
    assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_DECODER', 'ERR_KNOTTY_DECODER_FAILED_BEFORE'])
    assert.equal(waiting.refCnt, 0)
    reader.assertReleased()
  })

  test('may be no buffer, or an empty one, and later reads are still decoded (b)', () => {
    for (const last of ['text', Unpooled.EMPTY_BUFFER, Unpooled.buffer(0)]) {
      const { collector, reader } = decoding(acting({ 1: (ctx) => void ctx.pipeline.fireChannelRead(last) }))
      reader.read(bytesOf('0102'))
      reader.read(bytesOf('03'))
      assert.deepEqual(collector.messages, last === 'text' ? [1, 2, 'text', 3] : [1, 2, 3])
    }
  })

  test('does not lose a removal: queued bytes follow the unread ones to the next handler (c)', () => {
    const decoder = acting({
      1: (ctx) => {
        ctx.pipeline.fireChannelRead(chunk('0809'))
        ctx.pipeline.remove(decoder)
      },
    })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('010203'))
    assert.deepEqual(collector.takeLog(), ['msg 1', 'buf 0203', 'buf 0809', 'readComplete', 'readComplete'])
    assert.deepEqual(decoder.calls, [3])
    assert.equal(decoder.removals, 1)
    collector.messages.shift()
    assert.deepEqual(collector.takeFrames(), ['0203', '0809'])
    reader.assertReleased()
  })

  test('from exceptionCaught comes after what was waiting before', () => {
    const decoder = acting({ 1: (ctx) => void ctx.pipeline.fireChannelRead(chunk('07')), 2: fail }, true)
    const { channel, collector, reader } = decoding(decoder)
    collector.onError = () => void channel.pipeline.fireChannelRead(chunk('09'))
    reader.read(bytesOf('0102'))
    assert.deepEqual(collector.messages, [1, 7, 9])
  })

  test('from decodeLast is decoded before channelInactive', () => {
    const decoder = new TestDecoder(byByte, {}, (ctx) => void ctx.pipeline.fireChannelRead(chunk('0809')))
    const { channel, collector } = decoding(decoder)
    channel.finish()
    assert.deepEqual(collector.takeLog(), ['msg 8', 'msg 9', 'readComplete', 'inactive'])
  })
})

describe('a close from inside decode', () => {
  // On a socket channelInactive comes in a later task; EmbeddedChannel, as Netty's, runs that task inside close().
  test('decodes the rest at once, so the present message comes last, and nothing is decoded twice', () => {
    const decoder = acting({ 1: (ctx) => void ctx.close() })
    const { channel, collector, reader } = decoding(decoder)
    reader.read(bytesOf('010203'))
    assert.deepEqual(collector.takeLog(), ['msg 2', 'msg 3', 'readComplete', 'inactive'])
    assert.deepEqual(channel.inboundMessages, [1])
    assert.deepEqual(decoder.calls, [3, 2, 1])
    assert.equal(decoder.removals, 1)
    reader.assertReleased()
  })

  test('finds the bytes of the chunk that were not needed for the present message', () => {
    const decoder = new TestDecoder((ctx, input, out) => {
      if (input.readableBytes < 4) return 4 - input.readableBytes
      const number = input.readInt()
      if (number === 1) ctx.close()
      out.push(number)
      return undefined
    })
    const { channel, collector, reader } = decoding(decoder)
    reader.read(bytesOf('0000'))
    reader.read(bytesOf('0001 00000002 00000003 00'))
    assert.deepEqual(collector.takeLog().slice(1), ['msg 2', 'msg 3', 'readComplete', 'inactive'])
    assert.deepEqual(channel.inboundMessages, [1])
    assert.equal(decoder.unreadBytes, 0)
    reader.assertReleased()
  })
})

describe('removal', () => {
  test('passes the unread bytes on and completes the read', () => {
    const decoder = new TestDecoder(byInt)
    const { channel, collector, reader } = decoding(decoder)
    reader.read(bytesOf('0000000100'))
    collector.takeLog()
    channel.pipeline.remove(decoder)
    assert.deepEqual(collector.takeLog(), ['buf 00', 'readComplete'])
    assert.equal(decoder.removals, 1)
    collector.messages.shift()
    assert.deepEqual(collector.takeFrames(), ['00'])
  })

  test('without unread bytes fires nothing', () => {
    const { channel, collector, reader } = decoding(new TestDecoder(byInt))
    reader.read(bytesOf('00000001'))
    collector.takeLog()
    channel.pipeline.remove('decoder')
    assert.deepEqual(collector.takeLog(), [])
  })

  test('by a later handler passes on the decoded messages first, then the unread bytes, before remove() returns', () => {
    const decoder = new TestDecoder((_ctx, input, out) => void out.push(input.readByte(), input.readByte()))
    const { channel, collector, reader } = decoding(decoder)
    collector.onMessage = (_ctx, msg) => {
      if (msg !== 1) return
      channel.pipeline.remove(decoder)
      assert.equal(collector.log.length, 4)
    }
    reader.read(bytesOf('01020304'))
    assert.deepEqual(collector.takeLog(), ['msg 1', 'msg 2', 'buf 0304', 'readComplete', 'readComplete'])
    assert.deepEqual(decoder.calls, [4])
    collector.messages.splice(0, 2)
    assert.deepEqual(collector.takeFrames(), ['0304'])
    reader.assertReleased()
  })

  test('passes on the rest of earlier chunks together with that of the present one', () => {
    const decoder = new TestDecoder(byIntWithHint)
    const { channel, collector, reader } = decoding(decoder)
    collector.onMessage = (_ctx, msg) => {
      if (msg === 1) channel.pipeline.remove(decoder)
    }
    reader.read(bytesOf('0000'))
    reader.read(bytesOf('0001 00000002 00'))
    assert.deepEqual(collector.takeLog().slice(1), ['msg 1', 'buf 0000000200', 'readComplete', 'readComplete'])
    collector.messages.shift()
    collector.takeFrames()
    reader.assertReleased()
  })

  test('by replacement gives the unread bytes to the new decoder', () => {
    const next = new TestDecoder(byInt)
    const decoder = new TestDecoder((ctx, input, out) => {
      out.push(input.readByte())
      ctx.pipeline.replace(decoder, 'next', next)
    })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('01 00000002 00'))
    reader.read(bytesOf('000003'))
    assert.deepEqual(collector.messages, [1, 2, 3])
    reader.assertReleased()
  })

  test('inside a decode that then throws for good passes nothing on', () => {
    const decoder = new TestDecoder((ctx) => {
      ctx.pipeline.remove(decoder)
      throw new Error('boom')
    })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('0102'))
    assert.deepEqual(collector.takeLog(), ['error DecoderError', 'readComplete'])
    assert.equal(decoder.removals, 1)
    reader.assertReleased()
  })

  test('inside decodeLast waits until it has returned', () => {
    const decoder = new TestDecoder(byInt, {}, (ctx, _input, out) => {
      ctx.pipeline.remove(decoder)
      out.push('last')
    })
    const { channel, collector, reader } = decoding(decoder)
    reader.read(bytesOf('0102'))
    collector.takeLog()
    channel.finish()
    assert.deepEqual(collector.takeLog(), ['msg last', 'buf 0102', 'readComplete', 'readComplete', 'inactive'])
    assert.equal(decoder.removals, 1)
  })
})

test('a decoder behind a decoder has a list of its own', () => {
  const pairs = new TestDecoder((_ctx, input, out) => void out.push(input.readRetainedSlice(2), input.readRetainedSlice(2)))
  const { channel, collector, reader } = decoding(pairs)
  channel.pipeline.addAfter('decoder', 'bytes', new TestDecoder(byByte))
  reader.read(bytesOf('0102030405060708'))
  assert.deepEqual(collector.messages, [1, 2, 3, 4, 5, 6, 7, 8])
  reader.assertReleased()
})
