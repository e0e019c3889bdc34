import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { type Channel, type ChannelHandlerContext, ChannelInitializer, EmbeddedChannel } from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

/** Logs the events of one place in the pipeline. */
class Recorder {
  readonly log: string[]

  constructor(log: string[]) {
    this.log = log
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.log.push(`${ctx.name} added`)
  }

  handlerRemoved(ctx: ChannelHandlerContext): void {
    this.log.push(`${ctx.name} removed`)
  }

  channelRegistered(ctx: ChannelHandlerContext): void {
    this.log.push(`${ctx.name} registered`)
    ctx.fireChannelRegistered()
  }

  channelActive(ctx: ChannelHandlerContext): void {
    this.log.push(`${ctx.name} active`)
    ctx.fireChannelActive()
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.log.push(`${ctx.name} inactive`)
    ctx.fireChannelInactive()
  }

  read(ctx: ChannelHandlerContext): void {
    this.log.push(`${ctx.name} read`)
    ctx.read()
  }
}

/** Counts the reads that reach the transport. */
class ReadCountingChannel extends EmbeddedChannel {
  reads = 0

  protected override doBeginRead(): void {
    this.reads++
  }
}

/** A promise and what settles it. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

describe('an initializer', () => {
  test('builds the pipeline and leaves it', () => {
    const channel = new EmbeddedChannel(new ChannelInitializer((ch) => void ch.pipeline.addLast('a', {}).addLast('b', {})))
    assert.deepEqual(channel.pipeline.names, ['a', 'b'])
  })

  test('may be a subclass', () => {
    class Mine extends ChannelInitializer {
      protected override initChannel(channel: Channel): void {
        channel.pipeline.addLast('a', {})
      }
    }
    assert.deepEqual(new EmbeddedChannel(new Mine()).pipeline.names, ['a'])
  })

  test('is sharable: one instance serves many channels', () => {
    const initializer = new ChannelInitializer((ch) => void ch.pipeline.addLast('a', {}))
    assert.deepEqual(new EmbeddedChannel(initializer).pipeline.names, ['a'])
    assert.deepEqual(new EmbeddedChannel(initializer).pipeline.names, ['a'])
  })

  test('that throws closes the channel, and the cause is logged and carried by later writes', (t) => {
    const logs = recordLogs(t)
    const cause = new Error('no such module')
    const channel = new EmbeddedChannel(
      new ChannelInitializer(() => {
        throw cause
      }),
    )
    assert.equal(channel.isOpen, false)
    assert.deepEqual(channel.pipeline.names, [])
    assert.match(messagesOf(logs, 'warn').join(), /^initialising .* failed, the channel is closed$/)
    const failure = channel.write('a').cause
    assert.equal(failure?.name, 'ClosedChannelError')
    assert.equal(failure.cause, cause)
  })
})

describe('an async initializer', () => {
  test('holds back channelRegistered, channelActive and the first read until its promise is done', async () => {
    const log: string[] = []
    const gate = deferred()
    const channel = EmbeddedChannel.with({ register: false }, new ChannelInitializer(async (ch) => {
      ch.pipeline.addLast('early', new Recorder(log))
      await gate.promise
      ch.pipeline.addLast('late', new Recorder(log))
    }))
    const registration = channel.register()
    await nextTurn()
    assert.equal(registration.isDone, false)
    assert.deepEqual(log, ['early added'])

    gate.resolve()
    await registration
    assert.deepEqual(log, [
      'early added',
      'late added',
      'early registered',
      'late registered',
      'early active',
      'late active',
      'late read',
      'early read',
    ])
    assert.deepEqual(channel.pipeline.names, ['early', 'late'])
  })

  test('whose promise rejects closes the channel and fails the registration', async (t) => {
    recordLogs(t)
    const log: string[] = []
    const cause = new Error('no session')
    const channel = EmbeddedChannel.with({ register: false }, new ChannelInitializer(async (ch) => {
      ch.pipeline.addLast('early', new Recorder(log))
      await nextTurn()
      throw cause
    }))
    const registration = channel.register()
    await registration.catch(() => undefined)
    assert.equal(registration.cause?.name, 'ClosedChannelError')
    assert.equal(registration.cause.cause, cause)
    assert.equal(channel.isOpen, false)
    assert.deepEqual(channel.pipeline.names, [])
    assert.ok(!log.includes('early registered') && !log.includes('early active'), log.join())
    assert.equal(log.at(-1), 'early removed')
  })

  test('that adds another async one is waited for with it', async () => {
    const log: string[] = []
    const inner = deferred()
    const channel = EmbeddedChannel.with({ register: false }, new ChannelInitializer(async (outer) => {
      await nextTurn()
      outer.pipeline.addLast(new ChannelInitializer(async (ch) => {
        await inner.promise
        ch.pipeline.addLast('deep', new Recorder(log))
      }))
    }))
    const registration = channel.register()
    await nextTurn()
    await nextTurn()
    assert.equal(registration.isDone, false)
    inner.resolve()
    await registration
    assert.deepEqual(log, ['deep added', 'deep registered', 'deep active', 'deep read'])
  })

  test('a read asked for meanwhile reaches the transport after channelActive, and only once', async () => {
    const gate = deferred()
    const channel = new ReadCountingChannel(
      new ChannelInitializer(async (ch) => {
        ch.config.autoRead = false
        ch.read()
        await gate.promise
      }),
    )
    await nextTurn()
    assert.equal(channel.reads, 0)
    gate.resolve()
    await nextTurn()
    assert.equal(channel.reads, 1)
  })

  test('a channel that is closed meanwhile is not registered', async () => {
    const log: string[] = []
    const gate = deferred()
    const channel = EmbeddedChannel.with({ register: false }, new ChannelInitializer(async (ch) => {
      ch.pipeline.addLast('early', new Recorder(log))
      await gate.promise
    }))
    const registration = channel.register()
    channel.close()
    gate.resolve()
    await registration.catch(() => undefined)
    assert.equal(registration.cause?.name, 'ClosedChannelError')
    assert.ok(!log.includes('early registered'))
  })
})

test('an initializer that was removed before registration takes no other one out with it', () => {
  const ran: string[] = []
  const [first, second] = ['first', 'second'].map((name) => new ChannelInitializer(() => void ran.push(name)))
  const channel = EmbeddedChannel.with({ register: false })
  channel.pipeline.addLast(first as ChannelInitializer)
  channel.pipeline.remove(first as ChannelInitializer)
  channel.pipeline.addLast(second as ChannelInitializer)
  channel.register()
  assert.equal(ran.at(-1), 'second')
  assert.deepEqual(channel.pipeline.names, [])
})
