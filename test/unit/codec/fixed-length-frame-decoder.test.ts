import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { FixedLengthFrameDecoder, type FixedLengthFrameDecoderOptions } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf, seededBytes } from '@knotty/testing'
import { type ChannelHandlerContext, EmbeddedChannel, SimpleChannelInboundHandler } from '@knotty/transport'
import * as fc from 'fast-check'
import { assertBounded, eventsOf } from './framer-support.js'
import { bytesOf, decoding } from './support.js'

describe('FixedLengthFrameDecoder', () => {
  test('gives the same frames however the bytes are cut, and drops what is shorter at the end', () => {
    const streams = fc.uint8Array({ maxLength: 200 }).chain((bytes) =>
      fc.record({ bytes: fc.constant(Buffer.from(bytes)), chunks: chunkingOf(bytes), frameLength: fc.integer({ min: 1, max: 20 }) }),
    )
    fc.assert(
      fc.property(streams, ({ bytes, chunks, frameLength }) => {
        const whole = Math.floor(bytes.length / frameLength)
        const frames = Array.from({ length: whole }, (_, i) => bytes.subarray(i * frameLength, (i + 1) * frameLength))
        const expected = frames.map((frame) => `buf ${frame.toString('hex')}`)
        const decoder = new FixedLengthFrameDecoder({ frameLength })
        assert.deepEqual(eventsOf(decoder, chunks), expected)
        assertBounded(new FixedLengthFrameDecoder({ frameLength }), chunks, frameLength - 1)
      }),
      { numRuns: 300 },
    )
  })

  test('frames that are kept with asBuffer and released stay as they were, however the bytes are cut', () => {
    const bytes = seededBytes(6000, 1)
    for (const frameLength of [30, 300, 700]) {
      for (const step of [7, 17, 31, 170, 301, 450, 1000]) {
        const kept: Buffer[] = []
        class Keeper extends SimpleChannelInboundHandler<ByteBuf> {
          override channelRead0(_ctx: ChannelHandlerContext, frame: ByteBuf): void {
            kept.push(frame.asBuffer())
          }
        }
        const channel = new EmbeddedChannel(new FixedLengthFrameDecoder({ frameLength }), new Keeper())
        for (let at = 0; at < bytes.length; at += step) channel.writeInbound(Unpooled.copiedBuffer(bytes.subarray(at, at + step)))
        assert.deepEqual(Buffer.concat(kept), bytes.subarray(0, kept.length * frameLength), `${frameLength} in steps of ${step}`)
        assert.equal(kept.length, Math.floor(bytes.length / frameLength))
        channel.finish()
      }
    }
  })

  test('copies only what a chunk leaves over, and completes it from the next', () => {
    const decoder = new FixedLengthFrameDecoder({ frameLength: 4 })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('00010203 0405'))
    reader.read(bytesOf('0607 08090a0b'))
    assert.deepEqual(collector.takeFrames(), ['00010203', '04050607', '08090a0b'])
    assert.equal(decoder.copiedBytes, 4)
  })

  test('says how many bytes are missing, so it is asked again when they are there', () => {
    let calls = 0
    class Counting extends FixedLengthFrameDecoder {
      protected override decode(...args: Parameters<FixedLengthFrameDecoder['decode']>): number | void {
        calls++
        return super.decode(...args)
      }
    }
    const { collector, reader } = decoding(new Counting({ frameLength: 100 }))
    reader.read(Buffer.alloc(10))
    reader.read(Buffer.alloc(80))
    reader.read(Buffer.alloc(10))
    assert.equal(collector.takeFrames().length, 1)
    assert.equal(calls, 2)
  })

  test('takes frames above the default of maxCumulationBytes', () => {
    const frameLength = 17 * 1024 * 1024
    const { collector, reader } = decoding(new FixedLengthFrameDecoder({ frameLength }))
    const chunk = Buffer.alloc(65536)
    for (let left = frameLength; left > 0; left -= chunk.length) reader.read(chunk)
    assert.deepEqual(collector.errors, [])
    assert.equal(collector.messages.length, 1)
  })

  test('wants a frameLength', () => {
    for (const options of [{}, { frameLength: 0 }, { frameLength: 1.5 }, undefined]) {
      assert.throws(() => new FixedLengthFrameDecoder(options as FixedLengthFrameDecoderOptions), IllegalArgumentError)
    }
  })
})
