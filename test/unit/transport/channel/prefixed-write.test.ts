import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { ByteBuf, ByteBufUtil, Unpooled } from '@knotty/buffer'
import { LengthFieldPrepender } from '@knotty/codec'
import { type ChannelHandler, type ChannelHandlerContext, ClosedChannelError, EmbeddedChannel, type OutboundBuffer } from '@knotty/transport'
import * as fc from 'fast-check'
import { GatheredWrite } from '../../../../../packages/transport/dist/socket/write/gather-write.js'
import { OutboundSlabs } from '../../../../../packages/transport/dist/socket/write/outbound-slab.js'

/** Sends as the sockets do, through slabs, to a kernel that takes as many bytes as the test grants. */
class GatheringChannel extends EmbeddedChannel {
  readonly gathered = new GatheredWrite()
  readonly slabs: OutboundSlabs
  readonly copyThresholdBytes: number
  sent = Buffer.alloc(0)
  granted = 0

  constructor(slabBytes: number, copyThresholdBytes: number, ...handlers: ChannelHandler[]) {
    super(...handlers)
    this.slabs = new OutboundSlabs(slabBytes, () => undefined)
    this.copyThresholdBytes = copyThresholdBytes
  }

  protected override get sendsPrefixes(): boolean {
    return true
  }

  protected override doWrite(outbound: OutboundBuffer): void {
    while (!outbound.isEmpty && this.granted > 0) {
      this.slabs.begin()
      this.gathered.clear()
      this.gathered.gather(outbound, { outbound: this.slabs }, this.copyThresholdBytes)
      const all = Buffer.concat(this.gathered.chunks)
      assert.equal(all.length, this.gathered.bytes)
      this.slabs.giveBack()
      const taken = Math.min(this.granted, all.length)
      this.granted -= taken
      this.sent = Buffer.concat([this.sent, all.subarray(0, taken)])
      outbound.removeBytes(taken)
      if (taken === 0 && all.length > 0) return
    }
  }

  grant(bytes: number): void {
    this.granted += bytes
    this.flush()
  }

  get waiting(): OutboundBuffer {
    return this.outboundBuffer as OutboundBuffer
  }
}

function channelWith(...handlers: ChannelHandler[]): GatheringChannel {
  const channel = new GatheringChannel(65_536, 4096)
  channel.pipeline.addLast(...handlers)
  return channel
}

const prepender = (): LengthFieldPrepender => new LengthFieldPrepender({ lengthFieldLength: 4 })

/** Sees each write, and passes it on. */
class Watching {
  readonly seen: string[] = []

  write(ctx: ChannelHandlerContext, msg: unknown, promise: Parameters<NonNullable<ChannelHandler['write']>>[2]): void {
    this.seen.push(ByteBufUtil.hexDump(msg as ByteBuf))
    ctx.write(msg, promise)
  }
}

describe('a message with a prefix', () => {
  test('is one entry of the outbound buffer, and counts as the two messages it stands for', () => {
    const channel = channelWith(prepender())
    channel.pipeline.write(Unpooled.copiedBuffer('hello', 'utf8'), null)
    assert.equal(channel.waiting.messages, 1)
    assert.equal(channel.waiting.totalPendingWriteBytes, 4 + 96 + 5 + 96)
    channel.grant(100)
    assert.equal(channel.sent.toString('hex'), '0000000568656c6c6f')
    assert.equal(channel.waiting.totalPendingWriteBytes, 0)
  })

  test('leaves byte by byte: first the prefix, then the message, which is released with the last one', () => {
    const channel = channelWith(prepender())
    const message = Unpooled.copiedBuffer('hello', 'utf8')
    let done = 0
    channel.pipeline.write(message).addListener(() => done++)
    channel.flush()
    const progress: (number | string)[] = []
    for (let byte = 1; byte <= 9; byte++) {
      channel.grant(1)
      progress.push(channel.waiting.currentProgress)
      assert.deepEqual([message.refCnt, done], byte < 9 ? [1, 0] : [0, 1])
    }
    assert.deepEqual(progress, [1, 2, 3, 4, 5, 6, 7, 8, 0])
    assert.equal(channel.sent.toString('hex'), '0000000568656c6c6f')
  })

  test('is two writes for a handler before the prepender, with the same bytes', () => {
    const watching = new Watching()
    const channel = channelWith(watching, prepender())
    channel.pipeline.write(Unpooled.copiedBuffer('hello', 'utf8'), null)
    assert.deepEqual(watching.seen, ['00000005', '68656c6c6f'])
    assert.equal(channel.waiting.messages, 2)
    channel.grant(100)
    assert.equal(channel.sent.toString('hex'), '0000000568656c6c6f')
  })

  test('of 8 bytes is a message of its own', () => {
    const channel = channelWith(new LengthFieldPrepender({ lengthFieldLength: 8 }))
    channel.pipeline.write(Buffer.from('ab'), null)
    assert.equal(channel.waiting.messages, 2)
    channel.grant(100)
    assert.equal(channel.sent.toString('hex'), '00000000000000026162')
  })

  test('cancelled before it is written sends nothing, not even the prefix', () => {
    const channel = channelWith(prepender())
    const message = Unpooled.copiedBuffer('hello', 'utf8')
    const promise = channel.newPromise()
    promise.cancel()
    channel.pipeline.write(message, promise)
    channel.pipeline.write(Buffer.from('ok'), null)
    channel.grant(100)
    assert.equal(channel.sent.toString('hex'), '000000026f6b')
    assert.equal(message.refCnt, 0)
  })

  test('that fits the channel no more fails once, and is released', async () => {
    const channel = channelWith(prepender())
    const waiting = Unpooled.copiedBuffer('hello', 'utf8')
    const late = Unpooled.copiedBuffer('late', 'utf8')
    const ctx = channel.pipeline.context(LengthFieldPrepender) as ChannelHandlerContext
    const first = channel.pipeline.write(waiting)
    channel.flush()
    channel.close()
    await assert.rejects(async () => await first, ClosedChannelError)
    assert.equal(ctx.writePrefixed(4, 4, late, null), false)
    late.release()
    assert.deepEqual([waiting.refCnt, late.refCnt], [0, 0])
  })

  test('arrives whole whatever the sizes, the slab, the order of bytes and the bytes the kernel takes at a time', () => {
    const options = fc.record({
      lengthFieldLength: fc.constantFrom<1 | 2 | 3 | 4>(1, 2, 3, 4),
      byteOrder: fc.constantFrom<'BE' | 'LE'>('BE', 'LE'),
    })
    const grantsOf = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 })
    const sizes = fc.array(fc.oneof(fc.nat(8), fc.nat(250)), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(options, sizes, fc.integer({ min: 8, max: 300 }), fc.nat(300), grantsOf, (config, lengths, slabBytes, threshold, grants) => {
        const channel = new GatheringChannel(slabBytes, threshold)
        channel.pipeline.addLast(new LengthFieldPrepender(config))
        const expected: Buffer[] = []
        const messages = lengths.map((length, index) => {
          const body = Buffer.alloc(length, index + 1)
          const header = Buffer.alloc(config.lengthFieldLength)
          if (config.byteOrder === 'LE') header.writeUIntLE(length, 0, config.lengthFieldLength)
          else header.writeUIntBE(length, 0, config.lengthFieldLength)
          expected.push(header, body)
          return index % 3 === 0 ? body : Unpooled.wrappedBuffer(body)
        })
        for (const message of messages) channel.pipeline.write(message, null)
        channel.flush()
        for (let turn = 0; !channel.waiting.isEmpty; turn++) channel.grant(grants[turn % grants.length] as number)
        assert.equal(channel.sent.toString('hex'), Buffer.concat(expected).toString('hex'))
        assert.equal(channel.waiting.totalPendingWriteBytes, 0)
        for (const message of messages) if (!(message instanceof Uint8Array || message === ByteBuf.EMPTY)) assert.equal(message.refCnt, 0)
      }),
    )
  })
})
