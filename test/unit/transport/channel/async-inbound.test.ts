import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { AsyncChannel, ChannelOption, EmbeddedChannel } from '@knotty/transport'
import { Counted, isPending, rest, take, wrapped } from './async-inbound-support.js'
import { messagesOf, recordLogs } from './recorded-logs.js'

describe('messages', () => {
  test('come in order, those from before the loop included, and the loop ends with the channel', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a', 'b')
    assert.equal(ch.inbound.waiting, 2)
    const all = rest(ch.inbound)
    channel.writeInbound('c')
    await Promise.resolve()
    channel.writeInbound('d')
    channel.finish()
    assert.deepEqual(await all, ['a', 'b', 'c', 'd'])
    assert.equal(ch.inbound.waiting, 0)
  })

  test('are awaited when none waits', async () => {
    const { channel, ch } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    const next = iterator.next()
    assert.ok(await isPending(next))
    channel.writeInbound('late', 'later')
    assert.deepEqual(await next, { done: false, value: 'late' })
    assert.equal(ch.inbound.waiting, 1)
    channel.finish()
  })

  test('may be undefined, null and false', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound(undefined, null, false)
    channel.finish()
    assert.deepEqual(await rest(ch.inbound), [undefined, null, false])
  })

  test('that wait are given out after the peer has closed', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('last words')
    channel.close()
    assert.deepEqual(await rest(ch.inbound), ['last words'])
  })

  test('do not reach the tail', (t) => {
    const logs = recordLogs(t)
    const { channel } = wrapped()
    assert.equal(channel.writeInbound('taken'), false)
    assert.deepEqual(messagesOf(logs, 'warn'), [])
    channel.finish()
  })
})

describe('the water marks', () => {
  test('turn AUTO_READ off when highWaterMark messages wait, and on again when lowWaterMark are left', async () => {
    const { channel, ch, autoRead } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    for (let i = 0; i < 9; i++) channel.writeInbound(i)
    assert.deepEqual(autoRead, [])
    channel.writeInbound(9)
    assert.deepEqual(autoRead, [false])
    // read already: it still comes, and changes nothing
    channel.writeInbound(10, 11)
    assert.deepEqual(autoRead, [false])
    assert.deepEqual(await take(iterator, 9), [0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert.equal(ch.inbound.waiting, 3)
    assert.deepEqual(autoRead, [false])
    assert.deepEqual(await take(iterator, 1), [9])
    assert.deepEqual(autoRead, [false, true])
    assert.deepEqual(await take(iterator, 2), [10, 11])
    assert.deepEqual(autoRead, [false, true])
    channel.finish()
  })

  test('are options', async () => {
    const { channel, ch, autoRead } = wrapped({ highWaterMark: 2, lowWaterMark: 0 })
    const iterator = ch.inbound[Symbol.asyncIterator]()
    channel.writeInbound('a', 'b')
    assert.deepEqual(autoRead, [false])
    await take(iterator, 1)
    assert.deepEqual(autoRead, [false])
    await take(iterator, 1)
    assert.deepEqual(autoRead, [false, true])
    channel.finish()
  })

  test('a message that a next() waits for counts for nothing', async () => {
    const { channel, ch, autoRead } = wrapped({ highWaterMark: 1 })
    const next = ch.inbound[Symbol.asyncIterator]().next()
    channel.writeInbound('a')
    await next
    assert.deepEqual(autoRead, [])
    channel.writeInbound('b')
    assert.deepEqual(autoRead, [false])
    channel.finish()
  })

  test('hold also when turning AUTO_READ on brings messages at once', async () => {
    class Eager extends EmbeddedChannel {
      left = 30
      override autoReadChanged(value: boolean): void {
        super.autoReadChanged(value)
        if (!value) return
        for (let count = 0; count < 10 && this.left > 0; count++) this.pipeline.fireChannelRead(this.left--)
      }
    }
    const channel = new Eager()
    const ch = AsyncChannel.wrap(channel)
    for (let count = 0; count < 10; count++) channel.pipeline.fireChannelRead(count)
    assert.equal(channel.config.autoRead, false)
    assert.equal((await take(ch.inbound[Symbol.asyncIterator](), 40)).at(-1), 1)
    assert.equal(channel.config.autoRead, true)
    channel.finish()
  })

  test('leave an AUTO_READ alone that somebody else turned off', async () => {
    const { channel, ch, autoRead } = wrapped({ highWaterMark: 2, lowWaterMark: 1 })
    channel.config.autoRead = false
    channel.writeInbound('a', 'b', 'c')
    await take(ch.inbound[Symbol.asyncIterator](), 3)
    assert.deepEqual(autoRead, [false])
    channel.finish()
  })

  test('turn reading off again when somebody turns it on while too many wait', () => {
    const { channel, autoRead } = wrapped({ highWaterMark: 2 })
    channel.writeInbound('a', 'b')
    channel.config.setOption(ChannelOption.AUTO_READ, true)
    channel.writeInbound('c')
    assert.deepEqual(autoRead, [false, true, false])
    channel.finish()
  })

  test('that do not go together are refused, with the values', () => {
    assert.throws(() => new AsyncChannel({ highWaterMark: 0 }), /highWaterMark: 0/)
    assert.throws(() => new AsyncChannel({ lowWaterMark: -1 }), /lowWaterMark: -1/)
    assert.throws(() => new AsyncChannel({ highWaterMark: 5, lowWaterMark: 5 }), (error: Error) => {
      assert.ok(error instanceof IllegalArgumentError)
      assert.match(error.message, /lowWaterMark: 5 \(expected: less than highWaterMark: 5\)/)
      return true
    })
    assert.doesNotThrow(() => new AsyncChannel({ highWaterMark: 1 }))
  })

  test('reading goes on when the handler is removed while it was off', () => {
    const { channel, ch, autoRead } = wrapped({ highWaterMark: 1 })
    channel.writeInbound('a')
    channel.pipeline.remove(ch)
    assert.deepEqual(autoRead, [false, true])
    channel.finish()
  })
})

describe('an exception', () => {
  test('is thrown behind the messages that came before, and closes the channel', async () => {
    const { channel, ch } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    channel.writeInbound('a', 'b')
    const broken = new Error('broken')
    channel.pipeline.closeOnUncaught = true // as on every channel but this kind
    channel.pipeline.fireExceptionCaught(broken)
    assert.equal(channel.isOpen, false)
    channel.checkException()
    assert.deepEqual(await take(iterator, 2), ['a', 'b'])
    await assert.rejects(iterator.next(), (error) => error === broken)
    assert.deepEqual(await iterator.next(), { done: true, value: undefined })
  })

  test('is thrown to a next() that waits, and the iteration is over then', async () => {
    const { channel, ch } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    const next = iterator.next()
    channel.pipeline.fireExceptionCaught(new Error('broken'))
    await assert.rejects(next, /broken/)
    assert.deepEqual(await iterator.next(), { done: true, value: undefined })
  })

  test('leaves the channel open when the pipeline does not close on uncaught ones', async () => {
    const { channel, ch } = wrapped()
    const all = rest(ch.inbound)
    channel.pipeline.fireExceptionCaught(new Error('broken'))
    assert.equal(channel.isOpen, true)
    const late = new Counted()
    channel.writeInbound(late)
    assert.equal(late.refCnt, 0)
    await assert.rejects(all, /broken/)
    channel.finish()
  })

  test('after the first, or after the end, goes on to the tail', async () => {
    const { channel, ch } = wrapped()
    const all = rest(ch.inbound)
    channel.pipeline.fireExceptionCaught(new Error('first'))
    channel.pipeline.fireExceptionCaught(new Error('second'))
    assert.throws(() => channel.checkException(), /second/)
    await assert.rejects(all, /first/)
  })

  test('before anybody iterates goes on to the tail too, so that it is not lost, and is thrown later', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a')
    channel.pipeline.fireExceptionCaught(new Error('early'))
    assert.throws(() => channel.checkException(), /early/)
    const iterator = ch.inbound[Symbol.asyncIterator]()
    await take(iterator, 1)
    await assert.rejects(iterator.next(), /early/)
    channel.finish()
  })

  test('of a peer that is gone is counted', async () => {
    const { channel, ch } = wrapped()
    const { counters } = channel.eventLoop
    const all = rest(ch.inbound)
    channel.pipeline.fireExceptionCaught(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    assert.equal(counters.peerErrors, 1)
    await assert.rejects(all, { code: 'ECONNRESET' })
  })
})
