import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import { ByteToMessageDecoderVerifier, CodecVerificationError, type DecoderVerifierOptions } from '@knotty/testing'
import type { ChannelHandler, ChannelHandlerContext } from '@knotty/transport'
import { bytes, failureOf, framed, verifier } from './verifier-support.js'

describe('feeds', () => {
  /** The lengths of the chunks of each run. */
  function lengthsOf(input: Uint8Array, options: DecoderVerifierOptions): number[][] {
    const runs: number[][] = []
    class Recorder implements ChannelHandler {
      private readonly lengths: number[] = []

      constructor() {
        runs.push(this.lengths)
      }

      channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
        this.lengths.push((msg as ByteBuf).readableBytes)
        ;(msg as ByteBuf).release()
        if (!ctx.channel.config.autoRead) ctx.read()
      }
    }
    new ByteToMessageDecoderVerifier(() => new Recorder(), { repeats: 0, ...options }).verify([{ input, messages: [] }])
    return runs
  }

  test('are whole, byte by byte, every split and random ones, each of them twice', () => {
    const runs = lengthsOf(bytes('010203'), { randomFeeds: 0 })
    assert.deepEqual(runs, [[3], [3], [1, 1, 1], [1, 1, 1], [1, 2], [1, 2], [2, 1], [2, 1]])
    const random = lengthsOf(bytes('010203'), { maxSplits: 0, randomFeeds: 5 }).slice(4)
    assert.equal(random.length, 10)
    for (const lengths of random) assert.equal(lengths.reduce((a, b) => a + b), 3)
  })

  test('of a long input are bounded, and end with its last split point', () => {
    const runs = lengthsOf(Buffer.alloc(100_000), { randomFeeds: 0, maxSplits: 10, maxSingleBytes: 50 })
    assert.equal(runs.length, 2 * (1 + 1 + 10))
    assert.equal(runs[2]?.length, 51)
    assert.deepEqual(runs.slice(4).map(([first]) => first).filter((_, index) => index % 2 === 0).slice(0, 5), [1, 2, 3, 4, 5])
    assert.equal(runs.at(-1)?.[0], 99_999)
    for (const { length } of lengthsOf(Buffer.alloc(100_000), { maxSplits: 0, maxSingleBytes: 0 })) assert.ok(length <= 4096, `${length} chunks`)
  })

  test('of the same seed are the same, and a failure names the seed', () => {
    const input = Buffer.alloc(300)
    assert.deepEqual(lengthsOf(input, { seed: 7 }), lengthsOf(input, { seed: 7 }))
    assert.notDeepEqual(lengthsOf(input, { seed: 7 }), lengthsOf(input, { seed: 8 }))
    // wrong only when three chunks have come
    const wrong = (options: DecoderVerifierOptions): CodecVerificationError =>
      failureOf(() => {
        class Wrong implements ChannelHandler {
          private chunks = 0

          channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
            ;(msg as ByteBuf).release()
            if (++this.chunks === 3) ctx.fireChannelRead('three')
            else if (!ctx.channel.config.autoRead) ctx.read()
          }
        }
        new ByteToMessageDecoderVerifier(() => new Wrong(), { ...options, maxSingleBytes: 1 }).verify([{ input, messages: [] }])
      })
    const first = wrong({})
    const seed = Number(/seed (\d+)/.exec(first.feed)?.[1])
    const second = wrong({ seed })
    assert.deepEqual(second.chunks, first.chunks)
    assert.equal(second.message, first.message)
  })
})

test('options that make no sense are refused by name', () => {
  const options = { seed: -1, randomFeeds: 1.5, maxSplits: -1, maxSingleBytes: Number.NaN, repeats: -1 }
  for (const [name, value] of Object.entries(options)) {
    const isNamed = (error: unknown): boolean => error instanceof IllegalArgumentError && error.message.startsWith(name)
    assert.throws(() => verifier(framed, { [name]: value }), isNamed)
  }
  assert.throws(() => new ByteToMessageDecoderVerifier(undefined as never), IllegalArgumentError)
  assert.throws(() => verifier(framed).verify([]), { name: 'IllegalArgumentError', message: /^cases: none/ })
})
