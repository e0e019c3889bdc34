import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { Base64Decoder, LineBasedFrameDecoder, MessageToMessageCodec, MessageToMessageDecoder } from '@knotty/codec'
import { type ChannelHandler, type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { Collector } from './support.js'

const isNumber = (msg: unknown): msg is number => typeof msg === 'number'

/** Adds as many messages as the number says. */
function repeat(count: number, out: unknown[]): void {
  for (let i = 0; i < count; i++) out.push(`x${count}`)
}

class Repeater extends MessageToMessageDecoder<number> {
  readonly isSharable: boolean

  constructor(isSharable: boolean) {
    super(isNumber)
    this.isSharable = isSharable
  }

  protected override decode(_ctx: ChannelHandlerContext, count: number, out: unknown[]): void {
    repeat(count, out)
  }
}

class RepeaterCodec extends MessageToMessageCodec<number> {
  constructor() {
    super({ inbound: isNumber })
  }

  protected override decode(_ctx: ChannelHandlerContext, count: number, out: unknown[]): void {
    repeat(count, out)
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: unknown, out: unknown[]): void {
    out.push(msg)
  }
}

interface Counted {
  readonly channel: EmbeddedChannel
  readonly collector: Collector
  /** Reads that were asked for since this was called last. */
  asked(): number
}

/** A channel that reads the messages given to `writeInbound` as one read. */
function counting(autoRead: boolean, ...handlers: ChannelHandler[]): Counted {
  let reads = 0
  const collector = new Collector()
  const channel = new EmbeddedChannel()
  channel.config.autoRead = autoRead
  channel.pipeline.addLast({ read: (ctx: ChannelHandlerContext): void => void (reads++, ctx.read()) }, ...handlers, collector)
  return {
    channel,
    collector,
    asked(): number {
      const asked = reads
      reads = 0
      return asked
    },
  }
}

const decoders: [string, () => ChannelHandler][] = [
  ['MessageToMessageDecoder', () => new Repeater(false)],
  ['sharable MessageToMessageDecoder', () => new Repeater(true)],
  ['MessageToMessageCodec', () => new RepeaterCodec()],
]

for (const [name, make] of decoders) {
  describe(`a ${name} asks for the next read`, () => {
    test('once for each read of which nothing was made, whatever came of the reads before, with AUTO_READ off', () => {
      const { channel, collector, asked } = counting(false, make())
      const reads: [unknown[], number][] = [
        [[0], 1],
        [[1], 0],
        [[0, 0], 1],
        [['passes'], 0],
        [[0], 1],
        [[0, 2, 0], 0],
        [['passes', 0], 0],
        [[0, 'passes'], 0],
        [[0], 1],
      ]
      for (const [messages, expected] of reads) {
        channel.writeInbound(...messages)
        assert.equal(asked(), expected, JSON.stringify(messages))
      }
      assert.deepEqual(collector.messages, ['x1', 'passes', 'x2', 'x2', 'passes', 'passes'])
      assert.equal(collector.log.filter((entry) => entry === 'readComplete').length, reads.length)
    })

    test('not when nothing was read, nor when AUTO_READ is on', () => {
      const off = counting(false, make())
      off.channel.pipeline.fireChannelReadComplete()
      assert.equal(off.asked(), 0)
      const on = counting(true, make())
      on.asked()
      on.channel.pipeline.fireChannelRead(0)
      on.channel.pipeline.fireChannelReadComplete()
      assert.equal(on.asked(), 1, 'the one that the pipeline makes')
    })
  })
}

describe('a sharable decoder', () => {
  test('tells the reads of its channels apart, also when one runs inside another', () => {
    const shared = new Repeater(true)
    const inner = counting(false, shared)
    const outer = counting(false, shared)
    const read = (messages: unknown[], during: unknown[]): [number, number] => {
      outer.collector.onMessage = (): void => void inner.channel.writeInbound(...during)
      outer.channel.writeInbound(...messages)
      return [outer.asked(), inner.asked()]
    }
    assert.deepEqual(read([1], [0]), [0, 1])
    assert.deepEqual(read(['passes'], [0]), [0, 1])
    assert.deepEqual(read([0], []), [1, 0])
    assert.deepEqual(read([0, 'passes'], [1]), [0, 0])
    // begun and not completed in there: both states wait
    outer.channel.pipeline.fireChannelRead(0)
    inner.channel.pipeline.fireChannelRead(0)
    outer.channel.pipeline.fireChannelRead(0)
    inner.channel.pipeline.fireChannelReadComplete()
    outer.channel.pipeline.fireChannelReadComplete()
    assert.deepEqual([outer.asked(), inner.asked()], [1, 1])
    outer.channel.pipeline.fireChannelReadComplete()
    inner.channel.pipeline.fireChannelReadComplete()
    assert.deepEqual([outer.asked(), inner.asked()], [0, 0])
  })

  test('may stand twice in one pipeline', () => {
    const shared = new Repeater(true)
    const { channel, asked } = counting(false, shared, shared)
    channel.writeInbound(0)
    assert.equal(asked(), 1)
    channel.writeInbound(1)
    assert.equal(asked(), 0)
    channel.writeInbound(0)
    assert.equal(asked(), 1)
  })

  test('behind a framer does not let a bad frame stop a channel that is read by hand', () => {
    const lines = ['!!!\n', 'AAAA\n', '?\n', 'BBBB\n']
    let wanted = 0
    const source: ChannelHandler = { read: (ctx: ChannelHandlerContext): void => void (wanted++, ctx.read()) }
    const channel = new EmbeddedChannel()
    channel.config.autoRead = false
    const collector = new Collector()
    channel.pipeline.addLast(source, new LineBasedFrameDecoder({ maxLength: 80 }), new Base64Decoder(), collector)
    collector.onMessage = (ctx): void => void ctx.read()
    channel.read()
    while (wanted > 0 && lines.length > 0) {
      wanted--
      channel.writeInbound(Unpooled.copiedBuffer(Buffer.from(lines.shift()!)))
    }
    assert.deepEqual(lines, [])
    assert.deepEqual(collector.takeFrames(), ['000000', '041041'])
    assert.equal(collector.errors.length, 2)
    assert.equal(wanted, 1)
  })
})
