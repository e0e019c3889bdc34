import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBuf, PooledByteBufAllocator, Storage, Unpooled } from '@knotty/buffer'
import { EmbeddedChannel, EventLoopGroup, OutboundBuffer } from '@knotty/transport'
import { GatheredWrite, takeBack } from '../../../../../packages/transport/dist/socket/write/gather-write.js'
import { LibuvIo } from '../../../../../packages/transport/dist/socket/libuv/libuv-io.js'
import { OutboundSlabs } from '../../../../../packages/transport/dist/socket/write/outbound-slab.js'

const MEBIBYTE = 1024 * 1024

interface Bench {
  readonly write: GatheredWrite
  readonly outbound: OutboundBuffer
  readonly memory: { readonly readSlab: Buffer; readonly outbound: OutboundSlabs }
  add(...messages: unknown[]): void
  fill(copyThresholdBytes?: number): void
}

function bench(slabBytes = 65536): Bench {
  const outbound = new OutboundBuffer(new EmbeddedChannel())
  const write = new GatheredWrite()
  const { readSlab } = LibuvIo.of(new EventLoopGroup().next())
  const memory = { readSlab, outbound: new OutboundSlabs(slabBytes, () => undefined) }
  return {
    write,
    outbound,
    memory,
    add(...messages) {
      for (const msg of messages) outbound.addMessage(msg, null)
      outbound.addFlush()
    },
    fill(copyThresholdBytes = 4096) {
      write.clear()
      memory.outbound.begin()
      write.gather(outbound, memory, copyThresholdBytes)
    },
  }
}

/** Bytes as a channel reads them: borrowed from the read slab. */
function chunkOf(readSlab: Buffer, length: number): ByteBuf {
  return ByteBuf.overStorage(new Storage(readSlab, 0, length, true))
}

describe('GatheredWrite', () => {
  test('copies small neighbours into one chunk and passes large messages as they are', () => {
    const { write, add, fill } = bench()
    const large = Buffer.alloc(5000, 'L')
    add(Buffer.from('ab'), Unpooled.copiedBuffer('cd'), large, new Uint8Array([0x65]))
    fill()
    assert.deepEqual(write.chunks.map((chunk) => chunk.length), [4, 5000, 1])
    assert.equal(write.chunks[0]?.toString(), 'abcd')
    assert.equal(write.chunks[1]?.buffer, large.buffer)
    assert.equal(write.bytes, 5005)
  })

  test('lends the pooled memory that it passes as it is, not what it copies, until it is taken back', () => {
    const { write, add, fill } = bench()
    const alloc = new PooledByteBufAllocator()
    const [large, slice, small] = [alloc.buffer(), alloc.buffer(), alloc.buffer()].map((buffer, index) => buffer.writeZero([5000, 9000, 10][index]!))
    const pieces = [large, slice, small].map((buffer) => buffer!.storage.piece!)
    add(large, slice!.slice(0, 5000), small, Unpooled.buffer().writeZero(5000), Buffer.alloc(5000))
    fill()
    const lent = write.lend()
    write.clear()
    assert.deepEqual(pieces.map((piece) => piece.lent), [1, 1, 0])
    assert.deepEqual(write.lend(), [])
    takeBack(lent)
    assert.deepEqual(pieces.map((piece) => piece.lent), [0, 0, 0])
    for (const buffer of [large, slice, small]) buffer!.release()
  })

  test('compares with the threshold by what is left to read', () => {
    const { write, add, fill } = bench()
    const buffer = Unpooled.wrappedBuffer(Buffer.alloc(5000))
    buffer.skipBytes(1000)
    add(buffer)
    fill(4000)
    assert.notEqual(write.chunks[0]?.buffer, buffer.storage.bytes.buffer)
    fill(3999)
    assert.equal(write.chunks[0]?.buffer, buffer.storage.bytes.buffer)
    assert.equal(write.bytes, 4000)
  })

  test('copies what lies in a read slab whatever its size, next to what was gathered before', () => {
    const { write, add, fill, memory } = bench()
    memory.readSlab.fill(7, 0, 9000)
    add(Buffer.from('ab'), chunkOf(memory.readSlab, 9000), Buffer.from('c'))
    fill(100)
    assert.equal(write.chunks.length, 1)
    memory.readSlab.fill(0, 0, 9000)
    assert.equal(Buffer.compare(write.chunks[0] as Buffer, Buffer.concat([Buffer.from('ab'), Buffer.alloc(9000, 7), Buffer.from('c')])), 0)
  })

  test('gathers a composite component by component: large ones as they are, small neighbours together', () => {
    const { write, add, fill } = bench()
    const [large, larger] = [Buffer.alloc(5000, 'L'), Buffer.alloc(6000, 'M')]
    add(Buffer.from('ab'), Unpooled.wrappedBuffer(Buffer.from('xcd'), Buffer.from('ef'), large, Buffer.from('g'), larger).skipBytes(1), Buffer.from('h'))
    fill()
    assert.deepEqual(write.chunks.map((chunk) => chunk.length), [6, 5000, 1, 6000, 1])
    assert.equal(write.chunks[0]?.toString(), 'abcdef')
    assert.equal(write.chunks[1]?.buffer, large.buffer)
    assert.equal(write.chunks[3]?.buffer, larger.buffer)
    assert.equal(write.bytes, 11_008)
  })

  test('copies a composite below the threshold together, across the end of a slab too', () => {
    const { write, add, fill } = bench(100)
    add(Buffer.alloc(90, 'a'), Unpooled.wrappedBuffer(Buffer.alloc(20, 'b'), Buffer.alloc(30, 'c')))
    fill()
    assert.equal(Buffer.concat(write.chunks).toString(), 'a'.repeat(90) + 'b'.repeat(20) + 'c'.repeat(30))
    assert.deepEqual(write.chunks.map((chunk) => chunk.length), [90, 50])
  })

  test('goes on in a composite where the request before ended, by bytes and by chunks', () => {
    const { write, add, fill, memory, outbound } = bench()
    const sources = [Buffer.alloc(MEBIBYTE - 10, 1), Buffer.alloc(7, 2), Buffer.alloc(MEBIBYTE + 9, 3), ...Array.from({ length: 1100 }, () => Buffer.alloc(64, 4))]
    const expected = Buffer.concat(sources)
    add(Unpooled.wrappedBuffer(sources.length, ...sources))
    const sizes: number[] = []
    const sent: Buffer[] = []
    while (!outbound.isEmpty) {
      fill(64)
      assert.ok(write.chunks.length <= 1024)
      assert.equal(write.bytes, write.chunks.reduce((sum, chunk) => sum + chunk.length, 0))
      sizes.push(write.bytes)
      sent.push(Buffer.concat(write.chunks))
      memory.outbound.giveBack()
      outbound.removeBytes(write.bytes)
    }
    assert.ok(sizes.slice(0, 2).every((size) => size === MEBIBYTE))
    assert.ok(sizes.length <= 4)
    assert.ok(Buffer.concat(sent).equals(expected))
  })

  test('copies components that lie in the read slab', () => {
    const { write, add, fill, memory } = bench()
    memory.readSlab.fill(7)
    const own = Buffer.alloc(30_000, 8)
    add(Unpooled.wrappedBuffer(chunkOf(memory.readSlab, 30_000), own, memory.readSlab.subarray(0, 5000)))
    fill()
    assert.deepEqual(write.chunks.map((chunk) => chunk.length), [30_000, 30_000, 5000])
    assert.deepEqual(write.chunks.map((chunk) => chunk.buffer === memory.readSlab.buffer), [false, false, false])
    assert.equal(write.chunks[1]?.buffer, own.buffer)
    assert.deepEqual(Buffer.concat(write.chunks), Buffer.concat([Buffer.alloc(30_000, 7), own, Buffer.alloc(5000, 7)]))
  })

  test('never passes memory of the read slab, whatever it is wrapped in', () => {
    const { write, add, fill, memory, outbound } = bench()
    memory.readSlab.fill(7)
    const cut = memory.readSlab.subarray(0, 30_000)
    for (const msg of [chunkOf(memory.readSlab, 30_000), cut, new Uint8Array(cut.buffer, 0, 30_000), Unpooled.wrappedBuffer(cut)]) {
      add(msg)
      fill()
      assert.ok(write.chunks.every((chunk) => chunk.buffer !== memory.readSlab.buffer))
      assert.deepEqual(Buffer.concat(write.chunks), Buffer.alloc(30_000, 7))
      memory.outbound.giveBack()
      outbound.removeBytes(write.bytes)
      assert.ok(outbound.isEmpty)
    }
  })

  test('takes at most 1 MiB and cuts the message that exceeds it', () => {
    const { write, add, fill, outbound } = bench()
    add(Buffer.alloc(700_000, 1), Buffer.alloc(700_000, 2), Buffer.alloc(10, 3))
    fill()
    assert.deepEqual(write.chunks.map((chunk) => chunk.length), [700_000, MEBIBYTE - 700_000])
    outbound.removeBytes(write.bytes)
    fill()
    assert.deepEqual(write.chunks.map((chunk) => chunk.length), [1_400_000 - MEBIBYTE, 10])
  })

  test('takes at most 1,024 chunks, also when large and small ones alternate', () => {
    const { write, add, fill } = bench()
    for (let index = 0; index < 1500; index++) add(Buffer.alloc(100), Buffer.alloc(5))
    fill(99)
    assert.ok(write.chunks.length <= 1024 && write.chunks.length >= 1023, String(write.chunks.length))
    const { write: large, add: addLarge, fill: fillLarge } = bench()
    for (let index = 0; index < 1500; index++) addLarge(Buffer.alloc(100))
    fillLarge(99)
    assert.ok(large.chunks.length <= 1024 && large.chunks.length >= 1023, String(large.chunks.length))
  })

  test('copies what fits of a message that is larger than a slab, and goes on with the rest', () => {
    const { write, add, fill, outbound, memory } = bench(1024)
    memory.readSlab.subarray(0, 2500).forEach((_, index) => memory.readSlab.writeUInt8(index & 0xff, index))
    add(Buffer.from([0xaa]), chunkOf(memory.readSlab, 2500), Buffer.from([0xbb]))
    const got: Buffer[] = []
    while (!outbound.isEmpty) {
      fill()
      assert.ok(write.bytes > 0)
      got.push(...write.chunks.map((chunk) => Buffer.from(chunk)))
      memory.outbound.giveBack()
      outbound.removeBytes(write.bytes)
    }
    assert.deepEqual(Buffer.concat(got), Buffer.concat([Buffer.from([0xaa]), memory.readSlab.subarray(0, 2500), Buffer.from([0xbb])]))
  })

  test('has nothing to send for empty and cancelled messages', () => {
    const { write, outbound, fill } = bench()
    const channel = new EmbeddedChannel()
    const cancelled = channel.newPromise()
    outbound.addMessage(Buffer.from('x'), cancelled)
    outbound.addMessage(Unpooled.EMPTY_BUFFER, null)
    outbound.addMessage(new Uint8Array(0), null)
    cancelled.cancel()
    outbound.addFlush()
    fill()
    assert.deepEqual([write.chunks.length, write.bytes], [0, 0])
  })

  test('forgets the memory of the messages when cleared', () => {
    const { write, add, fill } = bench()
    add(Buffer.alloc(5000))
    fill()
    write.clear()
    assert.deepEqual([write.chunks.length, write.bytes], [0, 0])
  })
})
