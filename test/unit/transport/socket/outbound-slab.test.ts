import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { OutboundSlabs, type PinnedSlabs } from '../../../../../packages/transport/dist/socket/write/outbound-slab.js'

/** A write under way: what it gathered must stay as it is until it is unpinned. */
interface Live {
  readonly pins: PinnedSlabs
  readonly chunks: Buffer[]
  readonly mark: number
}

/** Gathers messages as GatheredWrite does and fills each with `mark`; the chunks of the request. */
function gather(slabs: OutboundSlabs, slabBytes: number, sizes: readonly number[], mark: number): Buffer[] {
  const chunks: Buffer[] = []
  const end = (): void => {
    const chunk = slabs.take()
    if (chunk !== undefined) chunks.push(chunk)
  }
  slabs.begin()
  for (const size of sizes) {
    let left = Math.min(size, slabBytes)
    if (!slabs.hasRoomFor(size)) {
      end()
      slabs.nextSlab()
    }
    left = Math.min(left, slabs.room)
    slabs.memory.fill(mark, slabs.offset, slabs.offset + left)
    slabs.advance(left)
    if (left < size) break
  }
  end()
  return chunks
}

describe('OutboundSlabs', () => {
  test('uses the first bytes of one slab for ever while writes are synchronous', () => {
    let allocated = 0
    const slabs = new OutboundSlabs(1024, () => allocated++)
    for (let round = 0; round < 100; round++) {
      const [chunk] = gather(slabs, 1024, [300, 300], 1)
      assert.equal(chunk?.byteOffset, 0)
      slabs.giveBack()
    }
    assert.equal(allocated, 1)
  })

  test('merges neighbours into one chunk, and starts another one in the next slab', () => {
    const slabs = new OutboundSlabs(1024, () => undefined)
    assert.deepEqual(gather(slabs, 1024, [300, 300, 300, 300, 300], 1).map((chunk) => chunk.length), [900, 600])
  })

  test('keeps just the range of an asynchronous write', () => {
    let allocated = 0
    const slabs = new OutboundSlabs(1024, () => allocated++)
    const pins = Array.from({ length: 5 }, (_, mark) => {
      gather(slabs, 1024, [200], mark)
      return slabs.pin()
    })
    assert.equal(allocated, 1)
    for (const each of pins) slabs.unpin(each)
    gather(slabs, 1024, [1000], 9)
    assert.equal(slabs.offset, 1000)
    assert.equal(allocated, 1)
  })

  test('pins nothing for a request without gathered bytes', () => {
    const slabs = new OutboundSlabs(1024, () => undefined)
    gather(slabs, 1024, [100], 1)
    slabs.giveBack()
    slabs.begin()
    assert.deepEqual(slabs.pin(), [])
  })

  test('uses a slab again when its last write has completed', () => {
    let allocated = 0
    const slabs = new OutboundSlabs(1024, () => allocated++)
    for (let round = 0; round < 50; round++) {
      gather(slabs, 1024, [1000], 1)
      const first = slabs.pin()
      gather(slabs, 1024, [1000], 2)
      const second = slabs.pin()
      slabs.unpin(round % 2 === 0 ? first : second)
      slabs.unpin(round % 2 === 0 ? second : first)
    }
    assert.ok(allocated <= 3, `${allocated} slabs`)
  })

  test('never hands out bytes of a write that is under way, whatever the order of gathers and completions', () => {
    const slabBytes = 1024
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 3000 })), { minLength: 0, maxLength: 8 })
    const command = fc.oneof(
      fc.record({ kind: fc.constant('sync' as const), sizes }),
      fc.record({ kind: fc.constant('async' as const), sizes }),
      fc.record({ kind: fc.constant('complete' as const), which: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        let allocated = 0
        const slabs = new OutboundSlabs(slabBytes, () => allocated++)
        const live: Live[] = []
        let mark = 0
        for (const each of commands) {
          if (each.kind === 'complete') {
            const [done] = live.splice(each.which % Math.max(1, live.length), 1)
            if (done !== undefined) slabs.unpin(done.pins)
          } else {
            mark = (mark % 250) + 1
            const chunks = gather(slabs, slabBytes, each.sizes, mark)
            for (const chunk of chunks) assert.ok(chunk.every((byte) => byte === mark))
            if (each.kind === 'sync') slabs.giveBack()
            else live.push({ pins: slabs.pin(), chunks, mark })
          }
          // A range handed out twice would show the mark of the later gather.
          for (const write of live) {
            const intact = write.chunks.every((chunk) => chunk.every((byte) => byte === write.mark))
            assert.ok(intact, `write ${write.mark} was overwritten`)
          }
        }
        for (const write of live) slabs.unpin(write.pins)
        gather(slabs, slabBytes, [1], 251)
        assert.equal(slabs.offset, 1, 'all memory is free again')
        return allocated < 200
      }),
      { numRuns: 1500 },
    )
  })
})
