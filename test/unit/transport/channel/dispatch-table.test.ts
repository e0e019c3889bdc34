import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ChannelHandler, type ChannelHandlerContext, ChannelPipelineError, EmbeddedChannel } from '@knotty/transport'

class Counting {
  reads = 0

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.reads++
    ctx.fireChannelRead(msg)
  }
}

/** Adds what no compiler would let pass. */
function adding(handler: unknown): () => void {
  return () => void new EmbeddedChannel().pipeline.addLast(handler as ChannelHandler)
}

describe('the names of handlers', () => {
  test('many of one class keep theirs, given or made up, and are called all the same', () => {
    const handlers = Array.from({ length: 100 }, () => new Counting())
    const channel = new EmbeddedChannel()
    for (const [index, handler] of handlers.entries()) channel.pipeline.addLast(index % 2 === 0 ? null : `my ${index}`, handler)
    channel.writeInbound('a')
    assert.deepEqual(channel.pipeline.names.slice(0, 4), ['Counting#0', 'my 1', 'Counting#1', 'my 3'])
    for (const [index, handler] of handlers.entries()) {
      assert.equal(handler.reads, 1)
      assert.equal(channel.pipeline.context(handler)?.name, index % 2 === 0 ? `Counting#${index / 2}` : `my ${index}`)
    }
    assert.equal(channel.pipeline.get('my 99'), handlers[99])
  })
})

describe('which methods of a handler are called', () => {
  test('those of its class', () => {
    const handler = new Counting()
    new EmbeddedChannel(handler).writeInbound('a', 'b')
    assert.equal(handler.reads, 2)
  })

  test('those it inherits', () => {
    class Deeper extends Counting {}
    const handler = new Deeper()
    new EmbeddedChannel(handler).writeInbound('a')
    assert.equal(handler.reads, 1)
  })

  test('those of an object literal', () => {
    const seen: unknown[] = []
    new EmbeddedChannel({ channelRead: (_ctx: ChannelHandlerContext, msg: unknown) => void seen.push(msg) }).writeInbound('a')
    assert.deepEqual(seen, ['a'])
  })

  test('arrow functions in fields, each of its own instance', () => {
    class WithField {
      readonly seen: unknown[] = []
      readonly channelRead = (ctx: ChannelHandlerContext, msg: unknown): void => {
        this.seen.push(msg)
        ctx.fireChannelRead(msg)
      }
    }
    const first = new WithField()
    const second = new WithField()
    new EmbeddedChannel(first).writeInbound('a')
    new EmbeddedChannel(second).writeInbound('b')
    assert.deepEqual([first.seen, second.seen], [['a'], ['b']])
  })

  test('an own function does not change what other instances of the class do', () => {
    const special = Object.assign(new Counting(), { channelRead: (): void => undefined })
    const plain = new Counting()
    new EmbeddedChannel(special).writeInbound('a')
    new EmbeddedChannel(plain).writeInbound('b')
    assert.deepEqual([special.reads, plain.reads], [0, 1])
  })

  test('an object without a prototype is a handler too', () => {
    const seen: unknown[] = []
    const handler = Object.assign(Object.create(null) as ChannelHandler, {
      channelRead: (_ctx: ChannelHandlerContext, msg: unknown) => void seen.push(msg),
    })
    new EmbeddedChannel(handler).writeInbound('a')
    assert.deepEqual(seen, ['a'])
  })

  test('a class is read once: a method put on its prototype after the first instance was added is not seen', () => {
    class Late {}
    assert.ok(new EmbeddedChannel(new Late() as ChannelHandler).pipeline.get(Late))
    let called = false
    Object.defineProperty(Late.prototype, 'channelRead', { value: () => (called = true) })
    new EmbeddedChannel(new Late() as ChannelHandler).writeInbound('a')
    assert.equal(called, false)
  })

  test('a method assigned to a handler that was added already is not seen', () => {
    const handler: ChannelHandler = new Counting()
    const channel = new EmbeddedChannel(handler)
    let called = false
    handler.channelReadComplete = () => (called = true)
    channel.writeInbound('a')
    assert.equal(called, false)
  })
})

describe('what is no handler', () => {
  const notAHandler = { name: 'ChannelPipelineError', code: 'ERR_KNOTTY_NOT_A_HANDLER' }

  test('a class: the message says how to pass it', () => {
    assert.throws(adding(Counting), { ...notAHandler, message: 'Counting is not a handler: pass new Counting() instead of the class' })
  })

  test('a function: the message names the places for initializers', () => {
    const initialize = (): void => undefined
    assert.throws(adding(initialize), {
      ...notAHandler,
      message:
        'initialize is not a handler: pass an object with event methods; an initializer function goes to handler(), childHandler() ' +
        'or new ChannelInitializer(fn)',
    })
    assert.throws(adding(() => undefined), { ...notAHandler, message: /^a function is not a handler/ })
  })

  for (const value of [undefined, null, 'echo', 7]) {
    test(`${String(value)}`, () => {
      assert.throws(adding(value), { ...notAHandler, message: `a handler is an object with event methods, not ${String(value)}` })
    })
  }
})

describe('an outbound method that declares no parameter cannot forward', () => {
  for (const name of ['bind', 'connect', 'disconnect', 'close', 'deregister', 'read', 'write', 'flush']) {
    test(`${name}()`, () => {
      class Mute {}
      Object.defineProperty(Mute.prototype, name, { value: () => undefined })
      assert.throws(adding(new Mute()), {
        name: 'ChannelPipelineError',
        code: 'ERR_KNOTTY_CANNOT_FORWARD',
        message:
          `Mute.${name}() declares no parameter, so it cannot forward the event: write it as ${name}(ctx, …), with a rest parameter as ` +
          `${name}(ctx, ...rest), and call ctx.${name}(…)`,
      })
    })
  }

  test('a rest parameter alone counts as none', () => {
    assert.throws(adding({ write: (...args: unknown[]) => args }), { code: 'ERR_KNOTTY_CANNOT_FORWARD', message: /^Handler\.write\(\)/ })
  })

  test('a rest parameter behind ctx is fine', () => {
    const channel = new EmbeddedChannel({
      write: (ctx: ChannelHandlerContext, ...rest: [unknown, never]) => ctx.write(...rest),
    } as ChannelHandler)
    channel.writeOutbound('a')
    assert.deepEqual(channel.outboundMessages, ['a'])
  })

  test('an inbound method may leave its parameters out', () => {
    const channel = new EmbeddedChannel({ channelRead: () => undefined, exceptionCaught: () => undefined })
    channel.writeInbound('a')
    assert.deepEqual(channel.inboundMessages, [])
  })

  test('the error is told at each add, not only at the first of the class', () => {
    class Mute {
      flush(): void {}
    }
    assert.throws(adding(new Mute()), ChannelPipelineError)
    assert.throws(adding(new Mute()), ChannelPipelineError)
  })
})
