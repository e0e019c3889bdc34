import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type net from 'node:net'
import { describe, test } from 'node:test'
import { type ByteBuf, PooledByteBufAllocator, ResourceLeakDetector, Unpooled } from '@knotty/buffer'
import { FixedLengthFrameDecoder } from '@knotty/codec'
import { eventually, seededBytes } from '@knotty/testing'
import { type Channel, type ChannelHandler, ChannelOption } from '@knotty/transport'
import { anySeed, seededRandom } from '../../../packages/testing/dist/seeded-random.js'
import { isUnix } from '../support/cell.js'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { connect, option, plainClient, plainServer, serve } from '../support/tcp.js'
import { sha256 } from '../support/test-bytes.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

type Random = (below: number) => number

const STREAMS = 6
const FILLER_BYTES = 65_536
const FRAME_LENGTHS = [100, 700, 5000, 40_000]
const ENDS = ['none', 'none', 'close', 'abort', 'shutdown output', 'shutdown output', 'sink stops', 'sink resets', 'source stops'] as const

/** Something that a handler keeps beyond its read, and what it must show for ever. */
interface Kept {
  readonly shown: () => Uint8Array
  readonly expected: Buffer
  readonly buffer: ByteBuf | undefined
}

/** What one round shares. */
interface Round {
  readonly random: Random
  readonly alloc: PooledByteBufAllocator
  readonly kept: Kept[]
  /** What handlers have found; thrown there it would only close a channel. */
  readonly failures: unknown[]
}

/** One source, through a proxy, to one sink. */
interface Stream {
  readonly sent: Buffer
  /** So many zeros come first. */
  readonly filler: number
  readonly received: Buffer[]
  readonly out: Channel
  readonly sink: net.Socket
  /** How it ends before its time, and after how many bytes, read or received. */
  readonly end: (typeof ENDS)[number]
  readonly endAt: number
  readonly endOnRead: boolean
  ended: boolean
  /** The sink reads when so many bytes have come. */
  readonly readFrom: number
  reading: boolean
  source: net.Socket | undefined
  at: number
}

/** Forwards each message in one of the ways in which bytes can be passed on, and keeps some. */
class Forwarder implements ChannelHandler {
  private readonly round: Round
  private readonly stream: Stream

  constructor(round: Round, stream: Stream) {
    this.round = round
    this.stream = stream
  }

  channelRead(_ctx: unknown, msg: unknown): void {
    try {
      this.pass(msg as ByteBuf)
    } catch (error) {
      this.round.failures.push(error)
    }
  }

  private pass(chunk: ByteBuf): void {
    const { stream, round } = this
    const expected = stream.sent.subarray(stream.at, stream.at + chunk.readableBytes)
    stream.at += expected.length
    assert.equal(Buffer.compare(chunk.unsafeBuffer(), expected), 0, 'what was read')
    if (round.random(8) === 0) this.keep(chunk, expected)
    this.forward(chunk)
    if (round.random(3) > 0 || stream.at === stream.sent.length) stream.out.flush()
    if (stream.endOnRead && stream.at >= stream.endAt) endEarly(stream, round)
    if (stream.at >= stream.readFrom) readSlowly(stream, round)
    if (round.random(6) === 0) this.checkOneKept()
  }

  private keep(chunk: ByteBuf, bytes: Buffer): void {
    const { random, kept, alloc } = this.round
    const from = random(bytes.length)
    const length = random(bytes.length - from) + 1
    const index = chunk.readerIndex + from
    const expected = Buffer.from(bytes.subarray(from, from + length))
    const way = random(5)
    if (way === 0) {
      const array = chunk.slice(index, length).asBuffer()
      return void kept.push({ shown: () => array, expected, buffer: undefined })
    }
    if (way === 1 && random(2) === 0) {
      const composite = Unpooled.compositeBuffer().addComponents(true, Unpooled.buffer(), chunk.retainedSlice(index, length))
      const array = composite.asBuffer()
      composite.release()
      return void kept.push({ shown: () => array, expected, buffer: undefined })
    }
    if (way === 1) {
      // pooled, kept as an array, and released at once
      const pooled = alloc.buffer().writeBytes(chunk, index, length)
      const array = pooled.slice().asBuffer()
      pooled.release()
      return void kept.push({ shown: () => array, expected, buffer: undefined })
    }
    let buffer = chunk.retainedSlice(index, length)
    if (way === 2) buffer = buffer.asReadOnly()
    if (way === 3) buffer = Unpooled.compositeBuffer().addComponents(true, alloc.buffer().writeBytes(buffer, 0, 0), buffer)
    if (way === 4) {
      // grown through another view, so moved; the slice must follow
      const pooled = alloc.buffer(length).writeBytes(buffer, 0, length)
      buffer.release()
      buffer = pooled.slice(0, length)
      pooled.writeZero(random(2000))
    }
    const view = buffer
    kept.push({ shown: () => view.unsafeBuffer(), expected, buffer })
  }

  private checkOneKept(): void {
    const { random, kept } = this.round
    if (kept.length === 0) return
    const [{ shown, expected, buffer }] = kept.splice(random(kept.length), 1) as [Kept]
    assert.equal(Buffer.compare(shown(), expected), 0, 'what was kept')
    buffer?.release()
  }

  private forward(chunk: ByteBuf): void {
    const { random, alloc } = this.round
    const { out } = this.stream
    const length = chunk.readableBytes
    const way = random(8)
    if (way === 0) {
      while (chunk.isReadable) out.write(chunk.readRetainedSlice(Math.min(chunk.readableBytes, random(length) + 1)), null)
    } else if (way === 1) {
      out.write(alloc.buffer().writeBytes(chunk), null)
    } else if (way === 2) {
      const inner = Unpooled.compositeBuffer().addComponents(true, this.pooled(chunk), this.cut(chunk))
      out.write(Unpooled.compositeBuffer().addComponents(true, inner, this.pooled(chunk), this.cut(chunk, chunk.readableBytes)), null)
    } else if (way === 3) {
      out.write(chunk.asBuffer(), null)
    } else if (way === 4) {
      out.write(chunk.retainedDuplicate().asReadOnly(), null)
    } else if (way === 5) {
      // grows after it was written, perhaps while it is under way
      const buffer = alloc.buffer(length).writeBytes(chunk)
      const other = buffer.retainedDuplicate()
      out.writeAndFlush(buffer, null)
      other.writeZero(random(3000))
      other.release()
    } else if (way === 6) {
      const copy = alloc.buffer(length).writeBytes(chunk)
      const composite = alloc.compositeBuffer(2).addComponents(true, this.cut(copy), this.cut(copy), this.cut(copy, copy.readableBytes))
      copy.release()
      const write = out.write(composite)
      write.addListener(() => trample(alloc))
    } else {
      return void out.write(chunk, null)
    }
    chunk.release()
  }

  private cut(from: ByteBuf, length: number = this.round.random(from.readableBytes + 1)): ByteBuf {
    return from.readRetainedSlice(length)
  }

  private pooled(from: ByteBuf): ByteBuf {
    const length = this.round.random(from.readableBytes + 1)
    return this.round.alloc.buffer().writeBytes(from, length)
  }
}

/** Takes idle memory and writes to it, as other channels would. */
function trample(alloc: PooledByteBufAllocator): void {
  const taken = [256, 1024, 8192, 65_536].map((size) => alloc.buffer(size).writeBytes(Buffer.alloc(size, 0xee)))
  for (const each of taken) each.release()
}

/** Writes zeros until the kernel takes no more at once, and returns how many. */
function fill(out: Channel): number {
  for (let bytes = FILLER_BYTES; ; bytes += FILLER_BYTES) if (!out.writeAndFlush(new Uint8Array(FILLER_BYTES)).isDone) return bytes
}

function endEarly(stream: Stream, { alloc }: Round): void {
  if (stream.ended) return
  stream.ended = true
  const { end, out, sink, source } = stream
  if (end === 'close') out.close()
  else if (end === 'abort') out.abort()
  else if (end === 'shutdown output') out.shutdownOutput()
  else if (end === 'sink stops') sink.destroy()
  else if (end === 'sink resets' && isUnix()) sink.destroy()
  else if (end === 'sink resets') sink.resetAndDestroy()
  else if (end === 'source stops') source?.destroy()
  trample(alloc)
}

/** Reads with pauses of some turns, from now on. */
function readSlowly(stream: Stream, round: Round): void {
  const { sink, received } = stream
  const { random } = round
  if (stream.reading) return
  stream.reading = true
  let bytes = 0
  sink.on('data', (chunk: Buffer) => {
    received.push(chunk)
    bytes += chunk.length
    if (!stream.endOnRead && bytes >= stream.filler + stream.endAt) endEarly(stream, round)
    if (random(3) > 0) return
    sink.pause()
    let left = random(20)
    const resume = (): void => {
      if (--left <= 0) sink.resume()
      else setImmediate(resume)
    }
    setImmediate(resume)
  })
  sink.resume()
}

async function run(scope: LeakScope, seed: number): Promise<void> {
  const random = seededRandom(seed)
  const round: Round = { random, alloc: new PooledByteBufAllocator({ poison: true, maxPooledBytes: 1 << (14 + random(9)) }), kept: [], failures: [] }
  const groups = [0, 1].map(() =>
    scope.group({ poisonSlab: true, readSlabBytes: 1 << (13 + random(4)), writeSlabBytes: 1 << (10 + random(7)) }),
  )
  const childOptions = [option(ChannelOption.ALLOCATOR, round.alloc)]
  const sinks = await plainServer(scope)
  const full = fill(await connect(scope, groups[0]!, sinks.port))
  await sinks.accept()
  const streams: Stream[] = []
  for (let index = 0; index < STREAMS; index++) {
    const threshold = option(ChannelOption.COPY_THRESHOLD_BYTES, [0, 64, 64, 4096][random(4)] as number)
    const quiet: ChannelHandler = { exceptionCaught: (ctx) => void ctx.close() }
    const out = await connect(scope, groups[random(2)]!, sinks.port, [quiet], [...childOptions, threshold])
    const sink = await sinks.accept()
    const frameLength = FRAME_LENGTHS[random(FRAME_LENGTHS.length)] as number
    const sent = seededBytes(frameLength * Math.ceil((200_000 + random(1_500_000)) / frameLength), seed + index)
    // what is forwarded finds the kernel's buffers full, or fills them
    const filler = random(2) === 0 ? fill(out) : Math.max(0, full - random(500_000))
    if (out.bytesWritten === 0) out.writeAndFlush(new Uint8Array(filler), null)
    const [endAt, readFrom] = [random(sent.length), random(sent.length)]
    const end = ENDS[random(ENDS.length)]!
    const stream: Stream = {
      sent,
      filler,
      received: [],
      out,
      sink,
      end,
      endAt,
      endOnRead: random(2) === 0,
      ended: false,
      readFrom,
      reading: false,
      source: undefined,
      at: 0,
    }
    const server = await serve(
      scope,
      groups[0]!,
      () => [...(random(2) === 0 ? [] : [new FixedLengthFrameDecoder({ frameLength })]), new Forwarder(round, stream)],
      childOptions,
    )
    stream.source = await plainClient(scope, server.port)
    streams.push(stream)
  }
  for (const { source, sent } of streams) source!.write(sent)
  for (const { sent, filler, received, out, sink, end, source } of streams) {
    if (end === 'none') await eventually(() => assert.equal(lengthOf(received), filler + sent.length), 20_000)
    else if (end === 'shutdown output') await eventually(() => assert.ok(sink.readableEnded, end), 20_000)
    else if (end === 'source stops') await eventually(() => assert.ok(source!.destroyed), 20_000)
    else await eventually(() => assert.ok(out.outboundBuffer === undefined, end), 20_000)
  }
  for (const stream of streams) {
    await stream.out.close()
    readSlowly(stream, round)
    await eventually(() => assert.ok(stream.sink.readableEnded || stream.sink.destroyed), 20_000)
    const got = Buffer.concat(stream.received)
    const whole = Buffer.concat([Buffer.alloc(stream.filler), stream.sent])
    assert.equal(sha256(got), sha256(whole.subarray(0, got.length)), 'what arrived')
  }
  assert.ok(groups.some((group) => group.counters.asyncWriteRequests > 0))
  for (const { shown, expected, buffer } of round.kept) {
    assert.equal(Buffer.compare(shown(), expected), 0, 'what was kept to the end')
    buffer?.release()
  }
  for (const { source } of streams) source!.destroy()
  assert.deepEqual(round.failures, [])
  await eventually(() => assert.equal(round.alloc.metric.usedBytes, 0))
}

function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

describe('connections that share slabs and a pool', () => {
  test('never see bytes of one another, whatever is kept, forwarded and cut off', { timeout: 110_000 }, async (t) => {
    recordLogs(t)
    // It counts the pool's bytes itself; where each buffer was allocated would be 60 % of its time.
    const { level } = ResourceLeakDetector
    ResourceLeakDetector.setLevel('disabled')
    t.after(() => ResourceLeakDetector.setLevel(level))
    const seeds = [...Array(10).keys(), anySeed(), anySeed()]
    for (const seed of seeds) {
      try {
        await leakScope((scope) => run(scope, seed))()
      } catch (error) {
        throw new Error(`with seed ${seed}: ${String(error)}`, { cause: error })
      }
    }
  })
})
