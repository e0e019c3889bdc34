import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { ByteBuf, ByteBufUtil } from '@knotty/buffer'
import { ByteToMessageDecoder, CorruptedFrameError } from '@knotty/codec'
import { IllegalArgumentError, IllegalStateError } from '@knotty/common'
import { type ChannelHandler, type ChannelHandlerContext, ChannelInputShutdownEvent, EmbeddedChannel } from '@knotty/transport'
import { chunkOf } from './decoder-support.js'
import { javaNameOf } from './java-names.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

type Entry = readonly [event: string, ...args: readonly unknown[]]
type Step = readonly [kind: string, ...messages: readonly string[]]

interface DecoderCase extends VectorCase {
  readonly decoder: { readonly kind: string; readonly singleDecode?: boolean }
  readonly autoRead?: boolean
  readonly steps: readonly { readonly step: Step; readonly log: readonly Entry[]; readonly inbound?: readonly unknown[] }[]
}

type Decode = (decoder: VectorDecoder, ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]) => void

/** One of the declared decoders, which logs its calls. */
class VectorDecoder extends ByteToMessageDecoder {
  readonly log: Entry[]
  /** How many bytes the next message of alternate-1-2 has. */
  alternateBytes = 1
  private readonly decodeKind: Decode
  private readonly decodeLastKind: Decode | undefined

  constructor(kind: string, log: Entry[], singleDecode = false) {
    super({ singleDecode, resynchronise: true })
    const decode = DECODES[kind]
    if (decode === undefined) throw new Error(`unknown decoder: ${kind}`)
    this.log = log
    this.decodeKind = decode
    this.decodeLastKind = DECODES_LAST[kind]
  }

  protected override decode(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): void {
    this.log.push(['decode', input.readableBytes])
    this.decodeKind(this, ctx, input, out)
  }

  protected override decodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): void {
    this.log.push(['decodeLast', input.readableBytes])
    if (this.decodeLastKind === undefined) super.decodeLast(ctx, input, out)
    else this.decodeLastKind(this, ctx, input, out)
  }

  protected override handlerRemoved0(): void {
    this.log.push(['handlerRemoved0'])
  }
}

const readHex = (input: ByteBuf, length: number): string => {
  const hex = ByteBufUtil.hexDump(input, input.readerIndex, length)
  input.skipBytes(length)
  return hex
}

const int32: Decode = (_decoder, _ctx, input, out) => {
  if (input.readableBytes >= 4) out.push(input.readInt())
}

/** Reads a byte and adds it, unless it is 0xff: then `onFf`. */
const byteUnlessFf =
  (onFf: (ctx: ChannelHandlerContext) => void): Decode =>
  (_decoder, ctx, input, out) => {
    const byte = input.readByte()
    if (byte === -1) onFf(ctx)
    else out.push(byte)
  }

const illegalArgument = (): never => {
  throw new IllegalArgumentError('ff')
}

/** What each kind's decode does: data/FORMAT.md. */
const DECODES: Readonly<Record<string, Decode>> = {
  int32,
  'int32-decodeLast-remainder': int32,
  'int32-decodeLast-always': int32,
  'int32-decodeLast-throws': int32,
  line: (_decoder, _ctx, input, out) => {
    const length = input.bytesBefore(0x0a)
    if (length < 0) return
    out.push(readHex(input, length))
    input.skipBytes(1)
  },
  'throw-on-ff': byteUnlessFf(illegalArgument),
  'throw-decoder-exception-on-ff': byteUnlessFf(() => {
    throw new CorruptedFrameError('ff')
  }),
  'throw-before-read-on-ff': (_decoder, _ctx, input, out) => {
    if (input.getByte(input.readerIndex) === -1) illegalArgument()
    out.push(input.readByte())
  },
  'emit-then-throw-on-ff': (_decoder, _ctx, input, out) => {
    const byte = input.readByte()
    out.push(byte)
    if (byte === -1) illegalArgument()
  },
  'emit-without-reading': (_decoder, _ctx, _input, out) => void out.push('x'),
  'read-without-emitting': (_decoder, _ctx, input) => void input.skipBytes(1),
  'never-reads': () => undefined,
  'remove-self-after-first': (decoder, ctx, input, out) => {
    out.push(input.readByte())
    ctx.pipeline.remove(decoder)
  },
  'remove-self-before-emit': (decoder, ctx, input, out) => {
    const byte = input.readByte()
    ctx.pipeline.remove(decoder)
    out.push(byte)
  },
  'remove-self-without-reading': (decoder, ctx, input) => {
    if (input.readableBytes >= 2) ctx.pipeline.remove(decoder)
  },
  'remove-self-then-throw': (decoder, ctx, input) => {
    input.readByte()
    ctx.pipeline.remove(decoder)
    throw new IllegalStateError('removed')
  },
  'replace-self-by-int32-after-first': (decoder, ctx, input, out) => {
    out.push(input.readByte())
    ctx.pipeline.replace(decoder, 'next', new VectorDecoder('int32', decoder.log))
  },
  'count-prefixed-messages': (_decoder, _ctx, input, out) => {
    const count = input.getUnsignedByte(input.readerIndex)
    if (input.readableBytes < 1 + count) return
    input.skipBytes(1)
    for (let i = 0; i < count; i++) out.push(input.readByte())
  },
  'close-on-ff': (_decoder, ctx, input, out) => {
    const byte = input.readByte()
    out.push(byte)
    if (byte === -1) ctx.close()
  },
  'user-event-on-ff': byteUnlessFf((ctx) => void ctx.fireUserEventTriggered('ff')),
  'fire-directly': (_decoder, ctx, input, out) => {
    const byte = input.readByte()
    out.push(byte)
    ctx.fireChannelRead(`direct:${byte}`)
  },
  'alternate-1-2': (decoder, _ctx, input, out) => {
    if (input.readableBytes < decoder.alternateBytes) return
    out.push(readHex(input, decoder.alternateBytes))
    decoder.alternateBytes = 3 - decoder.alternateBytes
  },
  'emit-buffer-slices': (_decoder, _ctx, input, out) => {
    if (input.readableBytes >= 2) out.push(input.readRetainedSlice(2))
  },
}

const DECODES_LAST: Readonly<Record<string, Decode>> = {
  'int32-decodeLast-remainder': (_decoder, _ctx, input, out) => {
    while (input.readableBytes >= 4) out.push(input.readInt())
    if (input.isReadable) out.push(`rest:${readHex(input, input.readableBytes)}`)
  },
  'int32-decodeLast-always': (_decoder, _ctx, input, out) => void out.push(`last:${input.readableBytes}`),
  'int32-decodeLast-throws': () => {
    throw new IllegalStateError('last')
  },
}

/** Behind the decoder: logs inbound events and passes them on, apart from buffers, which end here. */
class InboundRecorder implements ChannelHandler {
  private readonly log: Entry[]

  constructor(log: Entry[]) {
    this.log = log
  }

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    if (!ByteBuf.isByteBuf(msg)) return void this.log.push(['msg', msg])
    this.log.push(['buf', ByteBufUtil.hexDump(msg)])
    msg.release()
  }

  channelReadComplete(): void {
    this.log.push(['readComplete'])
  }

  userEventTriggered(_ctx: ChannelHandlerContext, event: unknown): void {
    this.log.push(['event', event instanceof ChannelInputShutdownEvent ? 'inputShutdown' : event])
  }

  channelInactive(): void {
    this.log.push(['inactive'])
  }

  exceptionCaught(_ctx: ChannelHandlerContext, error: Error): void {
    this.log.push(['ex', javaNameOf(error), error.cause === undefined ? null : javaNameOf(error.cause)])
  }
}

function play(channel: EmbeddedChannel, [kind, ...messages]: Step, chunks: ByteBuf[]): void {
  const chunk = (hex: string): ByteBuf => {
    chunks.push(chunkOf(hex))
    return chunks.at(-1)!
  }
  switch (kind) {
    case 'in':
      return void channel.writeInbound(...messages.map(chunk))
    case 'obj':
      return void channel.writeInbound(messages[0])
    case 'mixed':
      return void channel.writeInbound(chunk(messages[0]!), messages[1], chunk(messages[2]!))
    case 'remove':
      return void channel.pipeline.remove('decoder')
    case 'inputShutdown':
      return void channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    case 'readComplete':
      return void channel.pipeline.fireChannelReadComplete()
    case 'finish':
      return void channel.finish()
    default:
      throw new Error(`unknown step: ${kind}`)
  }
}

function run(vector: DecoderCase): void {
  const log: Entry[] = []
  const channel = new EmbeddedChannel()
  if (vector.autoRead === false) channel.config.autoRead = false
  const outbound: ChannelHandler = {
    read(ctx: ChannelHandlerContext): void {
      log.push(['read'])
      ctx.read()
    },
  }
  channel.pipeline.addLast(outbound)
  channel.pipeline.addLast('decoder', new VectorDecoder(vector.decoder.kind, log, vector.decoder.singleDecode))
  channel.pipeline.addLast(new InboundRecorder(log))
  log.length = 0
  const chunks: ByteBuf[] = []
  vector.steps.forEach(({ step, log: expected, inbound = [] }, index) => {
    play(channel, step, chunks)
    assert.deepEqual(log.splice(0), expected, `step ${index}: ${step.join(' ')}`)
    const passed = channel.inboundMessages.splice(0)
    assert.deepEqual(passed.map(shown), inbound, `inbound of step ${index}: ${step.join(' ')}`)
  })
  chunks.forEach((each, index) => assert.equal(each.refCnt, 0, `references to chunk ${index}`))
}

function shown(msg: unknown): unknown {
  if (!ByteBuf.isByteBuf(msg)) return msg
  const hex = ByteBufUtil.hexDump(msg)
  msg.release()
  return hex
}

/** Without ReplayingDecoder, which is not ported. */
function counts(vector: DecoderCase): boolean {
  return !vector.decoder.kind.startsWith('replay-')
}

testVectorFile<DecoderCase>({
  file: 'byte-to-message-decoder',
  counts,
  listed: {},
  expectationKeys: ['log', 'inbound'],
  run,
})

const skip = process.env['KNOTTY_VECTORS'] !== undefined

test('byte-to-message-decoder: 153 of the 188 cases need no ReplayingDecoder', { skip }, () => {
  const file = path.join(import.meta.dirname, '../../../test/vectors/data/byte-to-message-decoder.json')
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: DecoderCase[] }
  assert.equal(cases.length, 188)
  assert.equal(cases.filter(counts).length, 153)
})
