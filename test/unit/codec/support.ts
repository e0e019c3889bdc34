import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ByteBuf, ByteBufUtil, Storage } from '@knotty/buffer'
import { ByteToMessageDecoder, type ByteToMessageDecoderOptions } from '@knotty/codec'
import { type ChannelHandler, type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'

/** An internal module of the package: `await internal<typeof import(…)>('cumulation.js')`. The same instance that the package uses. */
export async function internal<T>(file: string): Promise<T> {
  const url = pathToFileURL(path.join(import.meta.dirname, '../../../../packages/codec/dist', file)).href
  return (await import(url)) as T
}

export const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/**
 * Reads into a channel as an event loop does: each chunk lies in one slab, which is overwritten with 0xDD as soon as channelReadComplete is
 * through; what is still referenced is moved out first.
 */
export class SlabReader {
  readonly storages: Storage[] = []
  private readonly slab: Buffer
  private readonly channel: EmbeddedChannel
  moved = 0

  constructor(channel: EmbeddedChannel, slabBytes: number = 64 * 1024) {
    this.channel = channel
    this.slab = Buffer.alloc(slabBytes)
  }

  read(bytes: Uint8Array): void {
    const { slab, channel } = this
    assert.ok(bytes.length <= slab.length)
    slab.set(bytes)
    const storage = new Storage(slab, 0, bytes.length, true)
    this.storages.push(storage)
    channel.pipeline.fireChannelRead(ByteBuf.overStorage(storage))
    channel.pipeline.fireChannelReadComplete()
    if (storage.refCnt > 0) {
      this.moved++
      storage.moveOut()
    }
    slab.fill(0xdd)
  }

  /** Asserts that nobody holds a chunk any more. */
  assertReleased(): void {
    this.storages.forEach((storage, index) => assert.equal(storage.refCnt, 0, `references to chunk ${index}`))
  }
}

/** The last handler: keeps every message and logs what happens. Frames are kept as they are until {@link Collector.takeFrames}. */
export class Collector implements ChannelHandler {
  readonly messages: unknown[] = []
  readonly errors: Error[] = []
  readonly log: string[] = []
  /** Called for each message, after it was kept. */
  onMessage: ((ctx: ChannelHandlerContext, msg: unknown) => void) | undefined = undefined
  /** Called for each error, after it was kept. */
  onError: (() => void) | undefined = undefined

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.messages.push(msg)
    this.log.push(ByteBuf.isByteBuf(msg) ? `buf ${ByteBufUtil.hexDump(msg)}` : `msg ${String(msg)}`)
    this.onMessage?.(ctx, msg)
  }

  channelReadComplete(): void {
    this.log.push('readComplete')
  }

  channelInactive(): void {
    this.log.push('inactive')
  }

  userEventTriggered(_ctx: ChannelHandlerContext, event: unknown): void {
    this.log.push(`event ${(event as object).constructor.name}`)
  }

  exceptionCaught(_ctx: ChannelHandlerContext, error: Error): void {
    this.errors.push(error)
    this.log.push(`error ${error.name}`)
    this.onError?.()
  }

  /** The frames so far as hex; each must have been one reference, which is given back. */
  takeFrames(): string[] {
    return this.messages.splice(0).map((msg) => {
      assert.ok(ByteBuf.isByteBuf(msg))
      const hex = ByteBufUtil.hexDump(msg)
      msg.release()
      return hex
    })
  }

  takeLog(): string[] {
    return this.log.splice(0)
  }
}

type Decode = (ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]) => unknown

/** A decoder made of functions. */
export class TestDecoder extends ByteToMessageDecoder {
  readonly calls: number[] = []
  removals = 0
  private readonly function: Decode
  private readonly last: Decode | undefined

  constructor(decode: Decode, options?: ByteToMessageDecoderOptions, last?: Decode) {
    super(options)
    this.function = decode
    this.last = last
  }

  protected override decode(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    this.calls.push(input.readableBytes)
    return this.function(ctx, input, out) as number | void
  }

  protected override decodeLast(ctx: ChannelHandlerContext, input: ByteBuf, out: unknown[]): number | void {
    if (this.last === undefined) return super.decodeLast(ctx, input, out)
    return this.last(ctx, input, out) as number | void
  }

  protected override handlerRemoved0(): void {
    this.removals++
  }
}

/** One message a byte. */
export const byByte: Decode = (_ctx, input, out) => void out.push(input.readUnsignedByte())

/** 32-bit integers, without saying how many bytes are missing. */
export const byInt: Decode = (_ctx, input, out) => {
  if (input.readableBytes >= 4) out.push(input.readInt())
}

/** 32-bit integers, and says how many bytes are missing. */
export const byIntWithHint: Decode = (_ctx, input, out) => {
  if (input.readableBytes < 4) return 4 - input.readableBytes
  out.push(input.readInt())
  return undefined
}

/** The codes of errors. */
export function codesOf(errors: readonly Error[]): unknown[] {
  return errors.map((error) => (error as { code?: unknown }).code)
}

/** A channel with a decoder and a collector behind it. */
export function decoding(decoder: ChannelHandler, autoRead = true): { channel: EmbeddedChannel; collector: Collector; reader: SlabReader } {
  const collector = new Collector()
  const channel = new EmbeddedChannel()
  channel.config.autoRead = autoRead
  channel.pipeline.addLast('decoder', decoder)
  channel.pipeline.addLast('collector', collector)
  return { channel, collector, reader: new SlabReader(channel) }
}

/** What a method may return that added nothing, for each its name: in decoders and encoders none of it is taken for a message. */
export const harmlessResults: readonly [string, (ctx: ChannelHandlerContext) => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a boolean', () => true],
  ['the 0 of a push of nothing', () => [].push()],
  ['an empty string', () => ''],
  ['the context of a fired event', (ctx) => ctx.fireUserEventTriggered('x')],
  ['the pipeline of a fired event', (ctx) => ctx.pipeline.fireUserEventTriggered('x')],
  ['the channel', (ctx) => ctx.channel.read()],
  ['the future of a write', (ctx) => ctx.writeAndFlush('x')],
]

/** What is a message when a method returns it and adds nothing, for each its name and type. */
export const strayResults: readonly [string, string, unknown][] = [
  ['a string', 'string', 'message'],
  ['a number', 'number', 7],
  ['a bigint', 'bigint', 7n],
  ['a ByteBuf', 'object', ByteBuf.EMPTY],
  ['a Uint8Array', 'object', new Uint8Array(1)],
  ['an object', 'object', { value: 7 }],
  ['a list', 'object', []],
  ['a function', 'function', (): void => undefined],
]
