import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, ByteBufAllocator, ByteBufUtil, PooledByteBufAllocator, Unpooled } from '@knotty/buffer'
import { LengthFieldBasedFrameDecoder } from '@knotty/codec'
import type * as CumulationModule from '../../../packages/codec/dist/cumulation.js'
import { bytesOf, decoding, internal, TestDecoder } from './support.js'

const { Cumulation } = await internal<typeof CumulationModule>('cumulation.js')
const alloc = ByteBufAllocator.DEFAULT
const MAX_BYTES = 16 * 1024 * 1024

describe('Cumulation', () => {
  test('copies what is appended and counts it', () => {
    const cumulation = new Cumulation(MAX_BYTES)
    const source = Unpooled.wrappedBuffer(bytesOf('0102030405'))
    cumulation.append(alloc, source, 2, 0)
    cumulation.append(alloc, source, 3, 0)
    assert.equal(ByteBufUtil.hexDump(cumulation.buffer!), '0102030405')
    assert.equal(source.readableBytes, 0)
    assert.equal(cumulation.copied, 5)
    assert.equal(cumulation.unread, 5)
  })

  test('allocates at most four times what has come, or 64 bytes, whatever is announced', () => {
    const cumulation = new Cumulation(MAX_BYTES)
    const source = Unpooled.buffer(100_000).writeZero(100_000)
    for (const length of [4, 60, 1000, 50_000]) {
      cumulation.append(alloc, source, length, 16 * 1024 * 1024)
      const { capacity } = cumulation.buffer!
      assert.ok(capacity <= Math.max(64, 4 * cumulation.unread), `${capacity} for ${cumulation.unread}`)
    }
  })

  test('allocates exactly what is announced when that is little', () => {
    const cumulation = new Cumulation(MAX_BYTES)
    cumulation.append(alloc, Unpooled.buffer(100).writeZero(100), 100, 20)
    assert.equal(cumulation.buffer!.capacity, 120)
  })

  test('moves the unread bytes to the front when that makes enough room', () => {
    const cumulation = new Cumulation(MAX_BYTES)
    const source = Unpooled.buffer(128).writeZero(128)
    cumulation.append(alloc, source, 60, 0)
    const { buffer } = cumulation
    buffer!.skipBytes(50)
    cumulation.append(alloc, source, 20, 0)
    assert.equal(cumulation.buffer, buffer)
    assert.equal(cumulation.buffer!.readerIndex, 0)
    assert.equal(cumulation.copied, 60 + 10 + 20)
  })

  test('is replaced, not compacted, while a slice of it is referenced', () => {
    const cumulation = new Cumulation(MAX_BYTES)
    const source = Unpooled.wrappedBuffer(bytesOf('aabb'.repeat(30)))
    cumulation.append(alloc, source, 58, 0)
    const { buffer } = cumulation
    const frame = buffer!.readRetainedSlice(50)
    cumulation.append(alloc, Unpooled.buffer(20).writeZero(20), 20, 0)
    assert.notEqual(cumulation.buffer, buffer)
    assert.equal(ByteBufUtil.hexDump(frame), 'aabb'.repeat(25))
    assert.equal(cumulation.unread, 28)
    assert.equal(buffer!.refCnt, 1)
    frame.release()
    assert.equal(buffer!.refCnt, 0)
  })

  test('is replaced, not compacted, when bytes of it were kept with asBuffer, whatever has been released since', () => {
    for (const each of [alloc, new PooledByteBufAllocator({ poison: true })]) {
      for (const first of [58, 1000]) {
        const cumulation = new Cumulation(MAX_BYTES)
        cumulation.append(each, Unpooled.buffer(first).setZero(0, first).setIndex(0, first), first, 0)
        const { buffer } = cumulation
        const frame = buffer!.readRetainedSlice(first - 8)
        const kept = frame.asBuffer()
        frame.release()
        const rest = buffer!.capacity - 8
        cumulation.append(each, Unpooled.wrappedBuffer(Buffer.alloc(rest, 1)), rest, 0)
        assert.notEqual(cumulation.buffer, buffer)
        assert.deepEqual(kept, Buffer.alloc(first - 8))
        cumulation.drop()
      }
    }
  })

  test('gives a large buffer back when little is left in it', () => {
    const cumulation = new Cumulation(MAX_BYTES)
    cumulation.append(alloc, Unpooled.buffer(65536).writeZero(65536), 65536, 0)
    cumulation.buffer!.skipBytes(65500)
    cumulation.trim(alloc, 0)
    assert.equal(cumulation.buffer!.capacity, 64)
    assert.equal(cumulation.unread, 36)
  })

  test('take gives the unread bytes away, and drop makes a decode that holds the buffer find nothing', () => {
    const cumulation = new Cumulation(MAX_BYTES)
    cumulation.append(alloc, Unpooled.wrappedBuffer(bytesOf('0102')), 2, 0)
    const taken = cumulation.take()
    assert.equal(taken?.refCnt, 1)
    assert.equal(cumulation.take(), undefined)
    cumulation.append(alloc, Unpooled.wrappedBuffer(bytesOf('0102')), 2, 0)
    const { buffer } = cumulation
    cumulation.drop()
    assert.equal(buffer!.isReadable, false)
    assert.equal(buffer!.refCnt, 0)
  })
})

/** Appends chunks up to 16 MiB that nobody reads; after each the bounds of copying and memory hold. */
function checkGrowth(next: () => ByteBuf): void {
  const cumulation = new Cumulation(MAX_BYTES)
  let received = 0
  for (;;) {
    const chunk = next()
    const { readableBytes } = chunk
    if (received + readableBytes > MAX_BYTES) break
    cumulation.append(alloc, chunk, readableBytes, 0)
    cumulation.trim(alloc, 0)
    received += readableBytes
    const { capacity } = cumulation.buffer!
    if (3 * cumulation.copied >= 7 * received) assert.fail(`${cumulation.copied / received} times ${received} bytes were copied`)
    if (capacity > Math.min(MAX_BYTES, Math.max(64, 4 * received + readableBytes))) assert.fail(`${capacity} for ${received}`)
  }
  assert.equal(cumulation.unread, received)
  cumulation.drop()
}

describe('copied bytes', () => {
  test('stay below twice the received ones for a frame of 16 MiB in chunks of 1 KiB', () => {
    const length = 16 * 1024 * 1024
    const decoder = new LengthFieldBasedFrameDecoder({ maxFrameLength: length + 4, lengthFieldLength: 4 })
    const { collector, reader } = decoding(decoder)
    const chunk = new Uint8Array(1024)
    reader.read(bytesOf(length.toString(16).padStart(8, '0')))
    for (let sent = 0; sent < length; sent += chunk.length) reader.read(chunk)
    const [frame] = collector.messages as { readableBytes: number; release(): boolean; refCnt: number }[]
    assert.equal(frame?.readableBytes, length + 4)
    assert.ok(decoder.copiedBytes < 1.4 * length, `${decoder.copiedBytes / length}`)
    frame.release()
    assert.equal(frame.refCnt, 0)
    reader.assertReleased()
  })

  test('stay below 2 1/3 of the received ones at every moment when nothing is announced, in a sane capacity', () => {
    const chunk = Unpooled.buffer(1500).writeZero(1500)
    for (let size = 1000; size <= 1500; size += 100) checkGrowth(() => chunk.setIndex(0, size))
    let seed = 1
    checkGrowth(() => chunk.setIndex(0, 1 + ((seed = (seed * 48271) % 0x7fffffff) % 1500)))
    checkGrowth(() => chunk.setIndex(0, 1448))
  })

  test('stay below 2 1/3 of the received ones through a decoder that never says what is missing', () => {
    const decoder = new TestDecoder(() => undefined)
    const { reader } = decoding(decoder)
    const chunk = new Uint8Array(1448)
    for (let received = 1448; received <= 4_000_000; received += 1448) {
      reader.read(chunk)
      assert.ok(3 * decoder.copiedBytes < 7 * received, `${decoder.copiedBytes / received} of ${received}`)
    }
  })

  test('stay below 2 1/3 of the received ones while messages come and slices of the buffer are referenced', () => {
    for (const hold of [false, true]) {
      for (const messageLength of [1700, 10_007, 300_001]) {
        const cumulation = new Cumulation(MAX_BYTES)
        const chunk = Unpooled.buffer(1500).writeZero(1500)
        const held: { release(): boolean }[] = []
        for (let received = 0, size = 1000; received < 2_000_000; received += size, size = size === 1500 ? 1000 : size + 1) {
          cumulation.append(alloc, chunk.setIndex(0, size), size, 0)
          if (cumulation.unread >= messageLength) {
            const slice = cumulation.buffer!.readRetainedSlice(messageLength)
            if (hold) held.push(slice)
            else slice.release()
          }
          cumulation.trim(alloc, 0)
          assert.ok(3 * cumulation.copied < 7 * (received + size), `${cumulation.copied / (received + size)} of ${received + size}`)
          const { unread } = cumulation
          assert.ok((cumulation.buffer?.capacity ?? 0) <= Math.max(1024, 4 * unread + size))
        }
        for (const slice of held) slice.release()
        cumulation.drop()
      }
    }
  })

  test('a rest of a few bytes of a full chunk pins a few bytes, not the chunk', () => {
    const decoder = new TestDecoder((_ctx, input) => void input.skipBytes(input.readableBytes > 30 ? input.readableBytes - 30 : 0))
    const { reader } = decoding(decoder)
    reader.read(new Uint8Array(65536))
    assert.equal(decoder.copiedBytes, 30)
    reader.read(new Uint8Array(65536))
    assert.equal(decoder.unreadBytes, 30)
    reader.assertReleased()
  })
})
