import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { MemoryPool, type PooledPiece } from '../../../../packages/buffer/dist/pooled-memory.js'

const MEBIBYTE = 1024 * 1024

describe('MemoryPool', () => {
  test('gives pieces of powers of two from 256 bytes to 2 MiB, and exactly what was asked for above', () => {
    const pool = new MemoryPool(MEBIBYTE, false)
    const lengths = [0, 1, 256, 257, 512, 513, 65_536, 65_537, MEBIBYTE, 2 * MEBIBYTE - 1, 2 * MEBIBYTE, 2 * MEBIBYTE + 1].map((bytes) => pool.take(bytes).bytes.length)
    assert.deepEqual(lengths, [256, 256, 256, 512, 512, 1024, 65_536, 131_072, MEBIBYTE, 2 * MEBIBYTE, 2 * MEBIBYTE, 2 * MEBIBYTE + 1])
  })

  test('gives the piece that came back last for a size of its class, and none of another class', () => {
    const pool = new MemoryPool(MEBIBYTE, false)
    const [first, second] = [pool.take(300), pool.take(400)]
    pool.giveBack(first)
    pool.giveBack(second)
    assert.notEqual(pool.take(200), first)
    assert.equal(pool.take(512), second)
    assert.equal(pool.take(257), first)
  })

  test('gives memory that no other part of the process has used, and what its last user left when it comes again', () => {
    const pool = new MemoryPool(MEBIBYTE, false)
    const piece = pool.take(4096)
    assert.ok(piece.bytes.every((byte) => byte === 0))
    piece.bytes.fill(7)
    pool.giveBack(piece)
    assert.equal(pool.take(4096).bytes[0], 7)
  })

  test('overwrites what comes back with 0xDD when it is told to', () => {
    const pool = new MemoryPool(MEBIBYTE, true)
    const piece = pool.take(10)
    pool.giveBack(piece)
    assert.ok(piece.bytes.every((byte) => byte === 0xdd))
  })

  test('neither uses again nor overwrites a piece that came back while a write request pointed into it', () => {
    const pool = new MemoryPool(MEBIBYTE, true)
    const piece = pool.take(10)
    piece.lent++
    pool.giveBack(piece)
    assert.equal(piece.bytes[0], 0)
    assert.equal(pool.idleBytes, 0)
    assert.equal(pool.usedBytes, 0)
    piece.lent--
    assert.notEqual(pool.take(10), piece)
  })

  test('keeps no piece above 2 MiB, and nothing at all with a limit of 0', () => {
    const pool = new MemoryPool(8 * MEBIBYTE, false)
    pool.giveBack(pool.take(2 * MEBIBYTE + 1))
    assert.equal(pool.idleBytes, 0)
    const none = new MemoryPool(0, false)
    none.giveBack(none.take(1))
    assert.equal(none.idleBytes, 0)
    assert.equal(none.usedBytes, 0)
  })

  test('makes room for a size that is used now at the cost of the one that has most of the memory', () => {
    const pool = new MemoryPool(64 * 1024, false)
    const burst = Array.from({ length: 256 }, () => pool.take(256))
    for (const piece of burst) pool.giveBack(piece)
    assert.equal(pool.idleBytes, 64 * 1024)
    const large = pool.take(16_384)
    pool.giveBack(large)
    assert.equal(pool.idleBytes, 64 * 1024)
    assert.equal(pool.take(16_384), large)
  })

  test('does not count a piece that was given up, and does not see it again', () => {
    const pool = new MemoryPool(MEBIBYTE, false)
    const piece = pool.take(100)
    pool.giveUp(piece)
    assert.deepEqual([pool.usedBytes, pool.idleBytes], [0, 0])
    assert.notEqual(pool.take(100), piece)
  })

  test('never gives one piece to two users, keeps to its limit, and counts right, over random takes and returns', () => {
    const step = fc.oneof(
      fc.record({ take: fc.oneof(fc.nat(600), fc.nat(40_000), fc.nat(3_000_000)) }),
      fc.record({ back: fc.nat(), how: fc.constantFrom('giveBack', 'giveBack', 'lent', 'giveUp') }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.nat(100_000), (steps, limit) => {
        const pool = new MemoryPool(limit, false)
        const out: PooledPiece[] = []
        for (const each of steps) {
          if ('take' in each) {
            const piece = pool.take(each.take)
            assert.ok(!out.includes(piece) && piece.bytes.length >= each.take && piece.lent === 0)
            out.push(piece)
          } else if (out.length > 0) {
            const [piece] = out.splice(each.back % out.length, 1) as [PooledPiece]
            if (each.how === 'giveUp') pool.giveUp(piece)
            else {
              if (each.how === 'lent') piece.lent = 1
              pool.giveBack(piece)
            }
          }
          assert.equal(pool.usedBytes, out.reduce((sum, piece) => sum + piece.bytes.length, 0))
          assert.ok(pool.idleBytes >= 0 && pool.idleBytes <= limit)
        }
      }),
      { numRuns: 200 },
    )
  })
})
