import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { describe, test } from 'node:test'
import { type ByteBuf, IllegalReferenceCountError, PooledByteBufAllocator, ResourceLeakDetector } from '@knotty/buffer'
import * as fc from 'fast-check'

// Many buffers are lost here on purpose.
ResourceLeakDetector.setLevel('disabled')

test('released memory is overwritten with KNOTTY_POISON_SLAB=1, unless the option says otherwise', () => {
  const script = `import('@knotty/buffer').then(({ PooledByteBufAllocator }) => {
    for (const options of [{}, { poison: false }, { poison: true }]) {
      const alloc = new PooledByteBufAllocator(options)
      const buffer = alloc.buffer().writeByte(1)
      const array = buffer.unsafeBuffer()
      buffer.release()
      console.log(array[0])
    }
  })`
  for (const [value, expected] of [['1', '221 1 221'], ['', '1 1 221']] as const) {
    const env = { ...process.env, KNOTTY_POISON_SLAB: value }
    const out = execFileSync(process.execPath, ['-e', script], { env, cwd: import.meta.dirname }).toString()
    assert.equal(out.trim().split('\n').join(' '), expected)
  }
})

const pooled = (): PooledByteBufAllocator => new PooledByteBufAllocator({ poison: true })

describe('PooledByteBufAllocator', () => {
  test('makes an empty buffer of just the capacity that was asked for, 256 without, that grows to its maximum', () => {
    const alloc = pooled()
    const buffer = alloc.buffer(10, 20)
    assert.deepEqual([buffer.capacity, buffer.maxCapacity, buffer.readableBytes], [10, 20, 0])
    buffer.writeZero(20)
    assert.throws(() => buffer.writeByte(1), { name: 'IndexOutOfBoundsError' })
    assert.equal(alloc.buffer().capacity, 256)
    assert.equal(alloc.buffer(0).capacity, 0)
    assert.equal(alloc.buffer().maxCapacity, 2147483647)
  })

  test('refuses capacities as the unpooled allocator does, before it takes memory', () => {
    const alloc = pooled()
    assert.throws(() => alloc.buffer(-1), { name: 'IllegalArgumentError' })
    assert.throws(() => alloc.buffer(10, 9), { name: 'IllegalArgumentError' })
    assert.throws(() => alloc.buffer(1, 2 ** 31), { name: 'IllegalArgumentError' })
    assert.equal(alloc.metric.allocations, 0)
  })

  test('refuses a bad maxPooledBytes', () => {
    assert.throws(() => new PooledByteBufAllocator({ maxPooledBytes: -1 }), { name: 'IllegalArgumentError', message: /maxPooledBytes: -1/ })
  })

  test('uses memory again after the last release, and only then', () => {
    const alloc = pooled()
    const first = alloc.buffer()
    const { bytes } = first.storage
    const slice = first.writeZero(8).retainedSlice(0, 4)
    first.release()
    assert.notEqual(alloc.buffer().storage.bytes, bytes)
    slice.release()
    assert.equal(alloc.buffer().storage.bytes, bytes)
    assert.deepEqual(alloc.metric, { usedBytes: 512, pooledBytes: 0, allocations: 3, reuses: 1 })
  })

  test('a stale buffer, and each stale view, throws while another buffer has its memory', () => {
    const alloc = pooled()
    const stale = alloc.buffer().writeInt(1)
    const views = [stale, stale.slice(0, 4), stale.duplicate(), stale.asReadOnly()]
    stale.release()
    const next = alloc.buffer().writeInt(42)
    for (const view of views) {
      assert.throws(() => view.getInt(0), IllegalReferenceCountError)
      assert.throws(() => view.setInt(0, 7), IllegalReferenceCountError)
      assert.throws(() => view.asBuffer(), IllegalReferenceCountError)
      assert.throws(() => view.release(), IllegalReferenceCountError)
      assert.throws(() => view.retain(), IllegalReferenceCountError)
    }
    assert.equal(next.readInt(), 42)
    assert.equal(next.refCnt, 1)
  })

  test('grows within its piece without a copy, then takes a larger one and gives the old one back', () => {
    const alloc = pooled()
    const buffer = alloc.buffer(16)
    const { bytes } = buffer.storage
    buffer.writeBytes(Buffer.alloc(256, 1))
    assert.equal(buffer.storage.bytes, bytes)
    const view = buffer.duplicate()
    buffer.writeByte(2)
    assert.notEqual(buffer.storage.bytes, bytes)
    assert.equal(alloc.metric.usedBytes, 512)
    assert.equal(alloc.metric.pooledBytes, 256)
    assert.equal(view.getByte(255), 1)
    assert.equal(alloc.buffer().storage.bytes, bytes)
  })

  test('beyond 2 MiB a buffer grows into memory of the collector, and still throws when stale', () => {
    const alloc = pooled()
    const buffer = alloc.buffer(1 << 21).writeZero(1 << 21)
    buffer.writeByte(1).writeZero(5 << 20)
    assert.equal(buffer.getByte(1 << 21), 1)
    buffer.release()
    assert.throws(() => buffer.getByte(0), IllegalReferenceCountError)
    assert.deepEqual([alloc.metric.usedBytes, alloc.metric.pooledBytes], [0, 1 << 21])
  })

  test('what asBuffer gives stays as it is after release, without a copy; the memory leaves the pool', () => {
    const alloc = pooled()
    const buffer = alloc.buffer().writeBytes(Buffer.from('kept'))
    const { bytes } = buffer.storage
    const kept = buffer.asBuffer()
    assert.equal(kept.buffer, bytes.buffer)
    buffer.writeInt(1)
    buffer.release()
    for (let i = 0; i < 4; i++) alloc.buffer().writeZero(256)
    assert.equal(kept.toString(), 'kept')
    assert.equal(alloc.metric.pooledBytes, 0)
  })

  test('what asBuffer of a slice gives stays when the buffer it was cut from grows and is released', () => {
    const alloc = pooled()
    const buffer = alloc.buffer().writeBytes(Buffer.from('whole'))
    const kept = buffer.slice(1, 3).asBuffer()
    buffer.writeZero(1000).release()
    alloc.buffer().writeZero(256)
    assert.equal(kept.toString(), 'hol')
    assert.deepEqual([alloc.metric.usedBytes, alloc.metric.pooledBytes], [256, 0])
  })

  test('a shrunk buffer keeps what fits', () => {
    const buffer = pooled().buffer().writeBytes(Buffer.from('shrunk'))
    buffer.setCapacity(3)
    assert.equal(buffer.toString('latin1'), 'shr')
    assert.throws(() => buffer.getByte(3), { name: 'IndexOutOfBoundsError' })
  })

  test('keeps at most maxPooledBytes', () => {
    const alloc = new PooledByteBufAllocator({ maxPooledBytes: 1024 })
    const buffers = Array.from({ length: 10 }, () => alloc.buffer())
    for (const buffer of buffers) buffer.release()
    assert.equal(alloc.metric.pooledBytes, 1024)
  })

  test('many buffers at random never see the bytes of another one', () => {
    const step = fc.record({
      which: fc.nat(7),
      what: fc.constantFrom('write', 'write', 'write', 'release', 'asBuffer', 'slice', 'shrink'),
      length: fc.oneof(fc.nat(40), fc.nat(2000), fc.nat(70_000)),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.nat(100_000), (steps, maxPooledBytes) => {
        const alloc = new PooledByteBufAllocator({ poison: true, maxPooledBytes })
        const live = new Map<number, { buffer: ByteBuf; expected: Buffer }>()
        const kept: { view: Uint8Array | ByteBuf; expected: Buffer }[] = []
        steps.forEach(({ which, what, length }, index) => {
          const has = live.get(which)
          if (has === undefined) return void live.set(which, { buffer: alloc.buffer(length % 300), expected: Buffer.alloc(0) })
          const { buffer } = has
          if (what === 'write') {
            const bytes = Buffer.alloc(length, index + 1)
            buffer.writeBytes(bytes)
            has.expected = Buffer.concat([has.expected, bytes])
          } else if (what === 'shrink') {
            buffer.setCapacity(Math.min(length, buffer.capacity))
            has.expected = has.expected.subarray(0, buffer.readableBytes)
          } else if (what === 'asBuffer') kept.push({ view: Buffer.from(buffer.asBuffer().buffer, buffer.asBuffer().byteOffset, has.expected.length), expected: Buffer.from(has.expected) })
          else if (what === 'slice') kept.push({ view: buffer.retainedSlice(), expected: Buffer.from(has.expected) })
          else {
            buffer.release()
            live.delete(which)
          }
          for (const { buffer: each, expected } of live.values()) assert.ok(expected.equals(each.unsafeBuffer()))
          for (const { view, expected } of kept) {
            if (view instanceof Uint8Array) assert.ok(expected.equals(view))
            else if (view.storage.capacity >= expected.length) assert.ok(expected.equals(view.unsafeBuffer()))
          }
        })
      }),
      { numRuns: 200 },
    )
  })
})
