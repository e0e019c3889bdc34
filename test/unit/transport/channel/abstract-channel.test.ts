import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import {
  type ChannelHandlerContext,
  ChannelOption,
  ChannelOutputShutdownEvent,
  type ChannelPromise,
  EmbeddedChannel,
  type OutboundBuffer,
  type SocketAddress,
} from '@knotty/transport'

/** A transport whose steps do what a test says. */
class ScriptedChannel extends EmbeddedChannel {
  write1: ((outboundBuffer: OutboundBuffer) => void) | undefined
  read1: (() => void) | undefined
  shutdownOutput1: (() => void) | undefined
  bindLater = false

  protected override doWrite(outboundBuffer: OutboundBuffer): void {
    if (this.write1 === undefined) super.doWrite(outboundBuffer)
    else this.write1(outboundBuffer)
  }

  protected override doBeginRead(): void {
    this.read1?.()
  }

  protected override doShutdownOutput(done: (error: Error | undefined) => void): void {
    this.shutdownOutput1?.()
    done(undefined)
  }

  protected override doBind(_localAddress: SocketAddress, promise: ChannelPromise): void {
    this.activate(promise, this.bindLater)
  }

  protected override filterOutboundMessage(msg: unknown): unknown {
    if (msg === 'refused') throw new Error('cannot be written')
    return msg
  }
}

/** Logs what a channel's end looks like to its handlers. */
function recorder(log: string[]): object {
  return {
    channelActive: () => void log.push('active'),
    channelInactive: () => void log.push('inactive'),
    userEventTriggered: (_ctx: ChannelHandlerContext, event: object) => void log.push(event.constructor.name),
    exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void log.push(`exception ${cause.message}`),
  }
}

describe('activate', () => {
  test('completes the promise, then fires channelActive', () => {
    const log: string[] = []
    const channel = new ScriptedChannel(recorder(log))
    log.length = 0
    channel.bind(channel.localAddress).addListener(() => log.push('promise'))
    assert.deepEqual(log, ['active', 'promise'])
    const promise = channel.newPromise()
    promise.addListener(() => log.push('promise 2'))
    channel.bind(channel.localAddress, promise)
    assert.deepEqual(log.slice(2), ['promise 2', 'active'])
  })

  test('later: a listener that closes the channel still leaves channelActive before channelInactive', () => {
    const log: string[] = []
    const channel = new ScriptedChannel(recorder(log))
    channel.bindLater = true
    log.length = 0
    const promise = channel.newPromise()
    promise.addListener(() => {
      log.push('promise')
      channel.pipeline.close()
    })
    channel.bind(channel.localAddress, promise)
    assert.deepEqual(log, ['promise', 'active', 'inactive'])
  })
})

describe('write', () => {
  test('a message the transport does not take is released and fails its promise', () => {
    const channel = new ScriptedChannel()
    assert.equal(channel.write('refused').cause?.message, 'cannot be written')
    assert.equal(channel.isOpen, true)
  })

  test('on a closed channel the message is released, and the error carries what closed it', () => {
    const channel = new ScriptedChannel()
    const cause = new Error('EPIPE')
    channel.write1 = () => {
      throw cause
    }
    channel.writeAndFlush('a')
    const msg = Unpooled.buffer(4)
    const future = channel.write(msg)
    assert.deepEqual([future.cause?.name, future.cause?.cause], ['ClosedChannelError', cause])
    assert.equal(msg.refCnt, 0)
  })
})

describe('flush', () => {
  test('before the channel is connected fails the writes with NotYetConnectedError', () => {
    const channel = EmbeddedChannel.with({ register: false })
    assert.equal(channel.writeAndFlush('a').cause?.name, 'NotYetConnectedError')
    assert.equal(channel.isOpen, true)
  })

  test('before the channel is connected tells of writes without a promise through exceptionCaught, once', () => {
    const channel = EmbeddedChannel.with({ register: false })
    channel.write('a', null)
    channel.write('b', null)
    channel.flush()
    assert.throws(() => channel.checkException(), { name: 'NotYetConnectedError' })
    channel.checkException()
  })

  test('entered again from a listener goes on with what was marked, and does not nest', () => {
    const channel = new ScriptedChannel()
    let depth = 0
    let deepest = 0
    channel.write1 = (outboundBuffer) => {
      deepest = Math.max(deepest, ++depth)
      while (!outboundBuffer.isEmpty) {
        channel.outboundMessages.push(outboundBuffer.current)
        outboundBuffer.remove()
      }
      depth--
    }
    channel.writeAndFlush('a').addListener(() => channel.writeAndFlush('late'))
    const promise = channel.newPromise()
    promise.addListener(() => channel.writeAndFlush('c'))
    channel.writeAndFlush('b', promise)
    assert.deepEqual(channel.outboundMessages, ['a', 'late', 'b', 'c'])
    assert.equal(deepest, 1)
  })
})

describe('a write that fails', () => {
  function failing(autoClose: boolean): { channel: ScriptedChannel; log: string[]; cause: Error } {
    const log: string[] = []
    const cause = new Error('EPIPE')
    const channel = new ScriptedChannel(recorder(log))
    channel.config.setOption(ChannelOption.AUTO_CLOSE, autoClose)
    channel.write1 = () => {
      throw cause
    }
    log.length = 0
    return { channel, log, cause }
  }

  test('closes the channel: what was flushed gets the error, what was not a ClosedChannelError because of it', () => {
    const { channel, log, cause } = failing(true)
    const flushed = channel.write('a')
    const unflushed = channel.newPromise()
    channel.write1 = () => {
      channel.write('b', unflushed)
      throw cause
    }
    channel.flush()
    assert.equal(flushed.cause, cause)
    assert.deepEqual([unflushed.cause?.name, unflushed.cause?.cause], ['ClosedChannelError', cause])
    assert.deepEqual(log, ['inactive'])
    assert.equal(channel.isOpen, false)
  })

  test('with AUTO_CLOSE off only the output is shut down', () => {
    const { channel, log, cause } = failing(false)
    const future = channel.writeAndFlush('a')
    assert.deepEqual([future.cause?.name, future.cause?.cause], ['ChannelOutputShutdownError', cause])
    assert.deepEqual(log, ['ChannelOutputShutdownEvent'])
    assert.deepEqual([channel.isOpen, channel.isActive, channel.isWritable], [true, true, false])
  })
})

describe('shutdownOutput', () => {
  test('fails what was not sent, fires ChannelOutputShutdownEvent, and input goes on', () => {
    const events: unknown[] = []
    const channel = new EmbeddedChannel({ userEventTriggered: (_ctx: ChannelHandlerContext, event: unknown) => void events.push(event) })
    const write = channel.write('a')
    assert.equal(channel.shutdownOutput().isSuccess, true)
    assert.equal(write.cause?.name, 'ChannelOutputShutdownError')
    assert.deepEqual(events, [ChannelOutputShutdownEvent.INSTANCE])
    assert.equal(channel.writeInbound('still'), true)
    assert.equal(channel.write('b').cause?.name, 'ClosedChannelError')
    assert.equal(channel.shutdownOutput().cause?.name, 'ClosedChannelError')
  })

  test('a transport that throws fails the promise; the writes fail all the same', () => {
    const channel = new ScriptedChannel()
    channel.shutdownOutput1 = () => {
      throw new Error('ENOTCONN')
    }
    const write = channel.write('a')
    assert.equal(channel.shutdownOutput().cause?.message, 'ENOTCONN')
    assert.equal(write.cause?.name, 'ChannelOutputShutdownError')
  })
})

describe('read', () => {
  test('a transport that cannot read fires exceptionCaught and closes', () => {
    const log: string[] = []
    const channel = new ScriptedChannel(recorder(log))
    channel.read1 = () => {
      throw new Error('EBADF')
    }
    log.length = 0
    channel.read()
    assert.deepEqual(log, ['exception EBADF', 'inactive'])
  })
})
