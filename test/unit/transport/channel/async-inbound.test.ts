import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import {
  AsyncChannel,
  type AsyncChannelOptions,
  type ChannelHandlerContext,
  ChannelInputShutdownEvent,
  ChannelOption,
  ChannelStateError,
  EmbeddedChannel,
} from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

class Counted {
  refCnt = 1

  retain(): this {
    this.refCnt++
    return this
  }

  release(): boolean {
    return --this.refCnt === 0
  }
}

/** A channel with an AsyncChannel as its last handler, and every change of AUTO_READ that the transport is asked for. */
function wrapped(options?: AsyncChannelOptions): { channel: EmbeddedChannel; ch: AsyncChannel<unknown, unknown>; autoRead: boolean[] } {
  const autoRead: boolean[] = []
  class Watched extends EmbeddedChannel {
    override autoReadChanged(value: boolean): void {
      autoRead.push(value)
      super.autoReadChanged(value)
    }
  }
  const channel = new Watched()
  return { channel, ch: AsyncChannel.wrap(channel, options), autoRead }
}

async function take(iterator: AsyncIterator<unknown>, count: number): Promise<unknown[]> {
  const taken: unknown[] = []
  while (taken.length < count) {
    const { done, value } = await iterator.next()
    assert.equal(done, false)
    taken.push(value)
  }
  return taken
}

async function rest(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = []
  for await (const msg of messages) taken.push(msg)
  return taken
}

/** True when the promise is not settled after all microtasks have run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await new Promise((resolve) => setImmediate(resolve))
  return !settled
}

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

describe('the end', () => {
  test('leaving the loop closes the channel and releases what waits and what comes later', async () => {
    const { channel, ch } = wrapped()
    const messages = [new Counted(), new Counted(), new Counted()]
    channel.writeInbound(...messages)
    for await (const msg of ch.inbound) {
      assert.equal(msg, messages[0])
      break
    }
    assert.equal(channel.isOpen, false)
    assert.deepEqual(messages.map((each) => each.refCnt), [1, 0, 0])
  })

  test('a throw in the loop closes the channel, and is what the loop throws', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a')
    await assert.rejects(async () => {
      for await (const msg of ch.inbound) throw new Error(`in the loop: ${String(msg)}`)
    }, /in the loop: a/)
    assert.equal(channel.isOpen, false)
  })

  test('disposing of it ends a next() that waits', async () => {
    const { channel, ch } = wrapped()
    const next = ch.inbound[Symbol.asyncIterator]().next()
    await ch[Symbol.asyncDispose]()
    assert.deepEqual(await next, { done: true, value: undefined })
    assert.equal(channel.isOpen, false)
  })

  test('disposing of it drops what waits, an exception included', async () => {
    const { channel, ch } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    channel.writeInbound('a')
    channel.pipeline.fireExceptionCaught(new Error('broken'))
    await ch[Symbol.asyncDispose]()
    assert.deepEqual(await iterator.next(), { done: true, value: undefined })
  })

  test('await using closes', async () => {
    const { channel, ch } = wrapped()
    const msg = new Counted()
    channel.writeInbound(msg)
    {
      await using disposed = ch
      assert.equal(disposed.inbound.waiting, 1)
    }
    assert.equal(channel.isOpen, false)
    assert.equal(msg.refCnt, 0)
  })

  test("the peer's FIN ends the loop and leaves the channel open", async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a')
    channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    assert.deepEqual(await rest(ch.inbound), ['a'])
    assert.equal(channel.isOpen, true)
    await ch.outbound.write('reply')
    assert.equal(channel.readOutbound(), 'reply')
    channel.finish()
  })

  test('a removed handler gives out what it has, and ends', async () => {
    const { channel, ch } = wrapped()
    channel.writeInbound('a')
    channel.pipeline.remove(ch)
    channel.writeInbound('past it')
    assert.deepEqual(await rest(ch.inbound), ['a'])
    assert.equal(channel.readInbound(), 'past it')
    channel.finish()
  })

  test('on a channel that is closed the loop ends at once', async () => {
    const channel = new EmbeddedChannel()
    channel.finish()
    assert.deepEqual(await rest(AsyncChannel.wrap(channel).inbound), [])
  })

  test('on a channel whose peer has ended already the loop ends at once too', async () => {
    class HalfClosed extends EmbeddedChannel {
      readonly isInputShutdown = true
    }
    const channel = new HalfClosed()
    assert.deepEqual(await rest(AsyncChannel.wrap(channel).inbound), [])
    assert.equal(channel.isOpen, true)
    channel.finish()
  })

  test('events go on to handlers behind it', () => {
    const seen: string[] = []
    const channel = new EmbeddedChannel(new AsyncChannel(), {
      channelActive: () => void seen.push('active'),
      channelInactive: () => void seen.push('inactive'),
      channelWritabilityChanged: () => void seen.push('writability'),
      userEventTriggered: (_ctx: ChannelHandlerContext, event: unknown) => void seen.push(String(event)),
    })
    channel.pipeline.fireUserEventTriggered('event')
    channel.outboundBuffer?.setUserDefinedWritability(1, false)
    channel.runPendingTasks()
    channel.finish()
    assert.deepEqual(seen, ['active', 'event', 'writability', 'inactive'])
  })
})

describe('misuse', () => {
  test('a second iteration is a typed error, also after the first has ended', async () => {
    const { channel, ch } = wrapped()
    const first = rest(ch.inbound)
    await assert.rejects(rest(ch.inbound), ChannelStateError)
    channel.finish()
    assert.deepEqual(await first, [])
    assert.throws(() => ch.inbound[Symbol.asyncIterator](), ChannelStateError)
  })

  test('a second next() while one waits is a typed error, and the first gets its message', async () => {
    const { channel, ch } = wrapped()
    const iterator = ch.inbound[Symbol.asyncIterator]()
    const first = iterator.next()
    await assert.rejects(iterator.next(), ChannelStateError)
    channel.writeInbound('a')
    assert.deepEqual(await first, { done: false, value: 'a' })
    channel.finish()
  })

  test('before it is in a pipeline everything is a typed error, and a message is released', async () => {
    const ch = new AsyncChannel()
    const msg = new Counted()
    assert.throws(() => ch.channel, ChannelStateError)
    await assert.rejects(ch.outbound.write(msg), ChannelStateError)
    assert.equal(msg.refCnt, 0)
    await assert.rejects(ch.inbound[Symbol.asyncIterator]().next(), ChannelStateError)
    await ch[Symbol.asyncDispose]()
  })
})
