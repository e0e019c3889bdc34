import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, PooledByteBufAllocator, Unpooled } from '@knotty/buffer'
import { LengthFieldPrepender } from '@knotty/codec'
import { eventually, seededBytes } from '@knotty/testing'
import { type ChannelFuture, ChannelOption } from '@knotty/transport'
import * as fc from 'fast-check'
import { leakScope } from '../support/leak-scope.js'
import { connect, option, plainServer } from '../support/tcp.js'
import { sha256 } from '../support/test-bytes.js'

describe('random sequences of writes', () => {
  test('arrive byte-identical at a reader that stalls at random', { timeout: 55_000 }, async () => {
    const size = fc.oneof(
      fc.constantFrom(0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 65_535, 65_536, 65_537),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 3_000_000 }),
    )
    const step = fc.record({
      size,
      kind: fc.constantFrom('array', 'buffer', 'slice', 'readonly', 'composite', 'pooled', 'pooled parts'),
      flush: fc.boolean(),
      turn: fc.boolean(),
      from: fc.constantFrom('outside', 'listener'),
    })
    const stalls = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 10 })
    const run = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 30 }),
      stalls,
      fc.constantFrom(1024, 5000, 65536),
      fc.constantFrom(0, 64, 4096, 1_000_000),
      fc.boolean(),
      (steps, pauses, writeSlabBytes, threshold, framed) =>
        leakScope(async (scope) => {
          const peer = await plainServer(scope)
          const options = [option(ChannelOption.COPY_THRESHOLD_BYTES, threshold)]
          const channel = await connect(scope, scope.group({ writeSlabBytes }), peer.port, framed ? [new LengthFieldPrepender({ lengthFieldLength: 4 })] : [], options)
          const socket = await peer.accept()
          const chunks: Buffer[] = []
          let reads = 0
          socket.on('data', (chunk: Buffer) => {
            chunks.push(chunk)
            const turns = pauses[reads++ % pauses.length] as number
            if (turns === 0) return
            socket.pause()
            let left = turns
            const resume = (): void => {
              if (--left <= 0) socket.resume()
              else setImmediate(resume)
            }
            setImmediate(resume)
          })
          const expected: Buffer[] = []
          const writes: ChannelFuture[] = []
          const write = (index: number): void => {
            const { size: length, kind, flush } = steps[index] as (typeof steps)[number]
            const bytes = seededBytes(length, index)
            if (framed) expected.push(Buffer.of(length >>> 24, length >>> 16, length >>> 8, length))
            expected.push(Buffer.from(bytes))
            const msg = kind === 'array' ? new Uint8Array(bytes) : bufferOf(kind, bytes)
            writes.push(channel.write(msg))
            if (flush) channel.flush()
          }
          socket.pause()
          for (const [index, { from, turn }] of steps.entries()) {
            const last = writes.at(-1)
            if (from === 'listener' && last !== undefined && !last.isDone) {
              const before = expected.length
              last.addListener(() => write(index))
              if (expected.length === before) {
                // The listener must run before the next write, or the expected order is another one.
                channel.flush()
                socket.resume()
                await eventually(() => assert.ok(last.isDone))
              }
            } else write(index)
            if (turn) await new Promise((resolve) => setImmediate(resolve))
          }
          socket.resume()
          channel.flush()
          for (const each of writes) await each
          await channel.shutdownOutput()
          const whole = Buffer.concat(expected)
          await eventually(() => assert.equal(chunks.reduce((sum, chunk) => sum + chunk.length, 0), whole.length))
          assert.equal(sha256(Buffer.concat(chunks)), sha256(whole))
          assert.equal(channel.bytesWritten, whole.length)
          assert.equal(channel.outboundBuffer, undefined)
        })(),
    )
    await fc.assert(run, { numRuns: 40, interruptAfterTimeLimit: 45_000 })
  })
})

/** Its released memory shows at once. */
const alloc = new PooledByteBufAllocator({ poison: true })

function bufferOf(kind: 'buffer' | 'slice' | 'readonly' | 'composite' | 'pooled' | 'pooled parts', bytes: Buffer): ByteBuf {
  if (kind === 'pooled') return alloc.buffer().writeBytes(bytes)
  const [first, second] = [bytes.length >> 3, bytes.length >> 1]
  const parts = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
  if (kind === 'composite') return Unpooled.wrappedBuffer(...parts)
  if (kind === 'pooled parts') return Unpooled.wrappedBuffer(...parts.map((part) => alloc.buffer().writeBytes(part)))
  if (kind === 'buffer') return Unpooled.wrappedBuffer(bytes)
  if (kind === 'readonly') return Unpooled.wrappedBuffer(bytes).asReadOnly()
  const padded = Unpooled.buffer(bytes.length + 7)
  padded.writeZero(5).writeBytes(bytes).writeByte(1)
  padded.skipBytes(5)
  return padded.readSlice(bytes.length)
}
