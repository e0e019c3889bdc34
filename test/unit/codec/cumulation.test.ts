import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBufAllocator, ByteBufUtil, Unpooled } from '@knotty/buffer'
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

  test('stay below three times the received ones when decode never says what is missing', () => {
    const decoder = new TestDecoder(() => undefined)
    const { reader } = decoding(decoder)
    const chunk = new Uint8Array(1000)
    for (let received = 1000; received <= 2_000_000; received += 1000) {
      reader.read(chunk)
      assert.ok(decoder.copiedBytes < 3 * received, `${decoder.copiedBytes / received} of ${received}`)
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
