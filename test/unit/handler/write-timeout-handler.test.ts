import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'
import { TimeoutError, WriteTimeoutError, WriteTimeoutHandler } from '@knotty/handler'
import type { ChannelHandler, ChannelHandlerContext, ChannelPromise } from '@knotty/transport'
import { array, assert as assertProperty, boolean, integer, property, tuple } from 'fast-check'
import { GrantedChannel } from '../../vectors/granted-channel.js'
import { recordLogs } from '../transport/channel/recorded-logs.js'

const TIMEOUT_MS = 100

/** A channel that takes only what it is granted, with what its last handler saw. */
class Bench {
  readonly log: string[] = []
  readonly errors: Error[] = []
  readonly channel = new GrantedChannel(0)
  readonly handler = new WriteTimeoutHandler({ timeoutMs: TIMEOUT_MS })
  readonly start: number

  constructor(...before: ChannelHandler[]) {
    this.channel.freezeTime()
    this.start = this.channel.eventLoop.ticker.now()
    this.channel.pipeline.addLast(...before, this.handler, {
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => {
        this.errors.push(cause)
        this.log.push(`${this.now} ${cause.name}`)
      },
      channelInactive: () => void this.log.push(`${this.now} inactive`),
    })
  }

  get now(): number {
    return this.channel.eventLoop.ticker.now() - this.start
  }

  get timers(): number {
    return this.channel.embeddedEventLoop.scheduledTasks
  }

  write(promise: ChannelPromise | null = null, bytes = 10): void {
    this.channel.writeAndFlush(Unpooled.wrappedBuffer(new Uint8Array(bytes)), promise)
  }
}

const EXPIRED = ['WriteTimeoutError', 'inactive']

describe('a write timeout handler', () => {
  for (const watched of [true, false]) {
    const promiseOf = (bench: Bench): ChannelPromise | null => (watched ? bench.channel.newPromise() : null)
    const kind = watched ? 'with a promise' : 'that nobody watches'

    test(`fires one WriteTimeoutError and closes when a write ${kind} is not through in time`, () => {
      const bench = new Bench()
      bench.channel.advanceTimeBy(1000)
      const promise = promiseOf(bench)
      bench.write(promise)
      bench.channel.accept(9)
      bench.channel.advanceTimeBy(99)
      assert.deepEqual([bench.log, bench.timers], [[], 1])
      bench.channel.advanceTimeBy(1)
      assert.deepEqual(bench.log, EXPIRED.map((what) => `1100 ${what}`))
      if (promise !== null) assert.equal(promise.isSuccess, false)
      const [error] = bench.errors as [WriteTimeoutError]
      assert.deepEqual([error.code, error.message], ['ERR_KNOTTY_WRITE_TIMEOUT', 'a write did not complete within 100 ms'])
      assert.ok(error instanceof TimeoutError)
    })

    test(`fires nothing when a write ${kind} is through in time, and then has no timer`, () => {
      const bench = new Bench()
      for (let round = 0; round < 20; round++) {
        bench.write(promiseOf(bench))
        bench.channel.advanceTimeBy(99)
        bench.channel.accept(10)
      }
      bench.channel.advanceTimeBy(25)
      assert.deepEqual([bench.log, bench.timers, bench.channel.isOpen], [[], 0, true])
      bench.channel.finish()
    })

    test(`counts a write ${kind} that is never flushed`, () => {
      const bench = new Bench()
      bench.channel.write(Unpooled.wrappedBuffer(new Uint8Array(1)), promiseOf(bench))
      bench.channel.advanceTimeBy(100)
      assert.deepEqual(bench.log, EXPIRED.map((what) => `100 ${what}`))
    })
  }

  test('finds a write among later ones, and a later one whose time ends later', () => {
    const bench = new Bench()
    bench.write()
    bench.channel.advanceTimeBy(40)
    bench.write()
    bench.channel.advanceTimeBy(59)
    bench.channel.accept(10) // the first is through, with a millisecond to spare
    bench.channel.advanceTimeBy(40)
    assert.deepEqual([bench.now, bench.log], [139, []])
    bench.channel.advanceTimeBy(25)
    assert.deepEqual(bench.log.map((line) => line.split(' ')[1]), EXPIRED)
  })

  test('is never early, and never more than a quarter of the time late', () => {
    const step = tuple(integer({ min: 0, max: 60 }), boolean(), integer({ min: 0, max: 4 }))
    assertProperty(
      property(array(step, { maxLength: 40 }), (steps) => {
        const bench = new Bench()
        let writtenAt: number[] = []
        const hasExpired = (): boolean => {
          const over = (writtenAt[0] ?? Number.POSITIVE_INFINITY) + TIMEOUT_MS
          const expired = bench.log.length > 0
          if (expired) assert.ok(bench.now >= over, `expired at ${bench.now}, the write has until ${over}`)
          else assert.ok(bench.now < over + TIMEOUT_MS / 4, `at ${bench.now} nothing was said of a write of ${writtenAt[0]}`)
          return expired
        }
        for (const [ms, watched, takes] of steps) {
          for (let passed = 0; passed < ms; passed++) {
            bench.channel.advanceTimeBy(1)
            if (hasExpired()) return
          }
          bench.write(watched ? bench.channel.newPromise() : null)
          writtenAt.push(bench.now)
          const through = Math.min(takes === 4 ? writtenAt.length : takes % 2, writtenAt.length)
          bench.channel.accept(10 * through)
          writtenAt = writtenAt.slice(through)
        }
        if (writtenAt.length === 0) {
          bench.channel.advanceTimeBy(1000)
          assert.deepEqual([bench.log, bench.timers], [[], 0])
        }
        bench.channel.finish()
      }),
      { numRuns: 300 },
    )
  })

  test('has one timer at a time, however many writes are out', () => {
    const bench = new Bench()
    for (let index = 0; index < 1000; index++) {
      bench.write(index % 2 === 0 ? null : bench.channel.newPromise())
      if (index % 100 === 0) bench.channel.advanceTimeBy(1)
      assert.equal(bench.timers, 1)
    }
    assert.ok((bench.handler as unknown as { marks: unknown[] }).marks.length <= 6)
    bench.channel.finish()
    assert.equal(bench.timers, 0)
  })

  test('sees a write that a handler nearer to the socket keeps back, by its promise', () => {
    const bench = new Bench({ write: (_ctx: ChannelHandlerContext, _msg: unknown, _promise: ChannelPromise | null) => undefined })
    bench.write(null)
    bench.channel.advanceTimeBy(1000)
    assert.deepEqual([bench.log, bench.timers], [[], 0])
    bench.write(bench.channel.newPromise())
    bench.channel.advanceTimeBy(100)
    assert.deepEqual(bench.log, EXPIRED.map((what) => `1100 ${what}`))
  })

  test('sees the last of several writes of one moment, whether bytes of it wait or a handler keeps it back', () => {
    let keep = false
    for (const kept of [true, false]) {
      const bench = new Bench({
        write(ctx, msg, promise) {
          if (!keep) ctx.write(msg, promise)
        },
      } as ChannelHandler)
      keep = false
      bench.write()
      bench.write(kept ? bench.channel.newPromise() : null)
      keep = kept
      bench.write(kept ? bench.channel.newPromise() : null)
      bench.channel.accept(20) // the first two are through
      bench.channel.advanceTimeBy(99)
      assert.deepEqual(bench.log, [])
      bench.channel.advanceTimeBy(26)
      assert.deepEqual(bench.log, EXPIRED.map((what) => `125 ${what}`))
    }
  })

  test('tells once, also when the close is kept back', () => {
    const bench = new Bench({ close: (_ctx: ChannelHandlerContext, _promise: ChannelPromise) => undefined })
    bench.write()
    bench.channel.advanceTimeBy(100)
    bench.write()
    bench.channel.advanceTimeBy(1000)
    assert.deepEqual([bench.log, bench.timers], [['100 WriteTimeoutError'], 0])
    bench.channel.pipeline.removeFirst()
    bench.channel.finish()
  })

  test('of a subclass that does not close goes on, for later writes', () => {
    class Patient extends WriteTimeoutHandler {
      readonly told: number[] = []
      protected override writeTimedOut(ctx: ChannelHandlerContext): void {
        this.told.push(ctx.eventLoop.ticker.now())
      }
    }
    const patient = new Patient({ timeoutMs: TIMEOUT_MS })
    const bench = new Bench(patient)
    bench.channel.pipeline.remove(bench.handler)
    bench.write()
    bench.channel.advanceTimeBy(300)
    assert.deepEqual([patient.told, bench.timers], [[bench.start + 100], 0])
    bench.write()
    bench.channel.advanceTimeBy(300)
    assert.deepEqual([patient.told, bench.timers], [[bench.start + 100, bench.start + 400], 0])
    bench.channel.finish()
  })

  test('has no timer when it is removed inside the write, nor once the output is shut down', (t) => {
    const logs = recordLogs(t)
    const removed: Bench = new Bench({
      write(ctx, msg, promise) {
        removed.channel.pipeline.remove(removed.handler)
        ctx.write(msg, promise)
      },
    } as ChannelHandler)
    removed.write()
    assert.equal(removed.timers, 0)
    const ended = new Bench()
    ended.write()
    ended.channel.shutdownOutput()
    ended.channel.advanceTimeBy(1000)
    assert.deepEqual([ended.errors, ended.timers, logs], [[], 0, []])
    removed.channel.finish()
    ended.channel.finish()
  })

  test('on a channel that is between two event loops has no timer, and goes on where it comes to', () => {
    const bench = new Bench()
    bench.channel.deregister()
    bench.write()
    assert.equal(bench.timers, 0)
    bench.channel.register()
    assert.equal(bench.timers, 1)
    bench.channel.advanceTimeBy(100)
    assert.deepEqual(bench.log, EXPIRED.map((what) => `100 ${what}`))
    bench.channel.finish()
  })

  test('is silent once it is removed, or the channel is closed', () => {
    for (const end of ['remove', 'close'] as const) {
      const bench = new Bench()
      bench.write()
      if (end === 'remove') bench.channel.pipeline.remove(bench.handler)
      else bench.channel.close()
      assert.equal(bench.timers, 0)
      bench.channel.advanceTimeBy(1000)
      assert.deepEqual(bench.errors, [])
      bench.channel.finish()
    }
  })

  test('sends what a subclass throws, or rejects with, to exceptionCaught', async () => {
    for (const fail of [
      () => {
        throw new Error('in writeTimedOut')
      },
      async () => Promise.reject(new Error('in writeTimedOut')),
    ]) {
      class Failing extends WriteTimeoutHandler {
        protected override writeTimedOut(): void | Promise<void> {
          return fail()
        }
      }
      const channel = new GrantedChannel(0)
      const errors: string[] = []
      channel.freezeTime()
      channel.pipeline.addLast(new Failing({ timeoutMs: 100 }), { exceptionCaught: (_ctx, cause) => void errors.push(cause.message) } as ChannelHandler)
      channel.writeAndFlush(Unpooled.wrappedBuffer(new Uint8Array(1)), null)
      channel.advanceTimeBy(100)
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(errors, ['in writeTimedOut'])
      channel.finish()
    }
  })

  test('with 0 does nothing; other times are checked', () => {
    const channel = new GrantedChannel(0)
    channel.pipeline.addLast(new WriteTimeoutHandler({ timeoutMs: 0 }))
    channel.writeAndFlush(Unpooled.wrappedBuffer(new Uint8Array(1)), null)
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 0)
    channel.finish()
    for (const bad of [-1, Number.NaN, 2 ** 31, undefined as never]) {
      assert.throws(() => new WriteTimeoutHandler({ timeoutMs: bad }), IllegalArgumentError)
    }
  })
})
