import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  EmbeddedChannel,
  type MessageMatcher,
  SimpleChannelInboundHandler,
  toPredicate,
} from '@knotty/transport'

class Login {
  refCnt = 1

  retain(): this {
    this.refCnt++
    return this
  }

  release(): boolean {
    return --this.refCnt === 0
  }
}
class AdminLogin extends Login {}

/** Hands what it takes to `onMessage`. */
class Taking<I> extends SimpleChannelInboundHandler<I> {
  private readonly onMessage: (msg: I) => unknown

  constructor(onMessage: (msg: I) => unknown, matcher?: MessageMatcher<I>, options?: { autoRelease?: boolean }) {
    super(matcher, options)
    this.onMessage = onMessage
  }

  channelRead0(_ctx: ChannelHandlerContext, msg: I): unknown {
    return this.onMessage(msg)
  }
}

describe('which messages it takes', () => {
  test('those of the class, subclasses too; others pass on', () => {
    const taken: Login[] = []
    const channel = new EmbeddedChannel(new Taking((msg) => void taken.push(msg), Login))
    const messages = [new Login(), new AdminLogin(), 'text']
    channel.writeInbound(...messages)
    assert.deepEqual(taken, messages.slice(0, 2))
    assert.deepEqual(channel.inboundMessages, ['text'])
  })

  test('those a type guard accepts', () => {
    const taken: string[] = []
    const channel = new EmbeddedChannel(new Taking<string>((msg) => void taken.push(msg), (msg): msg is string => typeof msg === 'string'))
    channel.writeInbound('a', 1)
    assert.deepEqual([taken, channel.inboundMessages], [['a'], [1]])
  })

  test('those of a primitive type, for which its class stands', () => {
    const taken: string[] = []
    class Text extends SimpleChannelInboundHandler<string> {
      constructor() {
        super(String)
      }

      channelRead0(_ctx: ChannelHandlerContext, msg: string): void {
        taken.push(msg)
      }
    }
    const channel = new EmbeddedChannel(new Text())
    channel.writeInbound('a', 1)
    assert.deepEqual([taken, channel.inboundMessages], [['a'], [1]])
    const sums: number[] = []
    new EmbeddedChannel(new Taking((msg: number) => void sums.push(msg + 1), Number)).writeInbound('a', 1)
    assert.deepEqual(sums, [2])
    const either: (string | boolean)[] = []
    new EmbeddedChannel(new Taking<string | boolean>((msg) => void either.push(msg), Boolean)).writeInbound('a', true)
    assert.deepEqual(either, [true])
    const big: bigint[] = []
    new EmbeddedChannel(new Taking<bigint>((msg) => void big.push(msg), BigInt)).writeInbound(1n, 1)
    assert.deepEqual(big, [1n])
    // @ts-expect-error Number does not stand for string
    assert.ok(new Taking<string>(() => undefined, Number))
    // @ts-expect-error nor does String for a class
    assert.ok(new Taking<Login>(() => undefined, String))
  })

  test('all without a matcher', () => {
    const taken: unknown[] = []
    new EmbeddedChannel(new Taking((msg) => void taken.push(msg))).writeInbound('a', 1)
    assert.deepEqual(taken, ['a', 1])
  })

  test('a guard may be a function declaration, a class a built-in or an old-style constructor', () => {
    function isText(msg: unknown): msg is string {
      return typeof msg === 'string'
    }
    function Old(): void {}
    Old.prototype.method = (): void => undefined
    assert.deepEqual(['a', 1].map(toPredicate(isText)), [true, false])
    assert.deepEqual([Buffer.alloc(1), new Uint8Array(1), 'a'].map(toPredicate(Uint8Array)), [true, true, false])
    assert.deepEqual([Buffer.alloc(1), new Uint8Array(1)].map(toPredicate(Buffer as never)), [true, false])
    assert.deepEqual([new Map(), {}].map(toPredicate(Map)), [true, false])
    assert.deepEqual([Object.create(Old.prototype), {}].map(toPredicate(Old as never)), [true, false])
    assert.deepEqual([Unpooled.buffer(1), {}].map(toPredicate(ByteBuf as never)), [true, false])
  })
})

describe('who releases the message', () => {
  test('the handler, when channelRead0 has returned', () => {
    let during: number | undefined
    const msg = new Login()
    new EmbeddedChannel(new Taking((login) => (during = login.refCnt), Login)).writeInbound(msg)
    assert.deepEqual([during, msg.refCnt], [1, 0])
  })

  test('the handler, also when channelRead0 throws', () => {
    const msg = new Login()
    const channel = new EmbeddedChannel(
      new Taking(() => {
        throw new Error('no')
      }, Login),
    )
    assert.throws(() => channel.writeInbound(msg), { message: 'no' })
    assert.equal(msg.refCnt, 0)
  })

  test('the handler, once an async channelRead0 has settled', async () => {
    let settle = (): void => undefined
    const msg = new Login()
    new EmbeddedChannel(new Taking(() => new Promise<void>((resolve) => (settle = resolve)), Login)).writeInbound(msg)
    await nextTurn()
    assert.equal(msg.refCnt, 1)
    settle()
    await nextTurn()
    assert.equal(msg.refCnt, 0)
  })

  test('the handler, when an async channelRead0 rejects, which goes to its exceptionCaught', async () => {
    const caught: string[] = []
    const msg = new Login()
    const handler = Object.assign(new Taking(() => Promise.reject(new Error('no')), Login), {
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void caught.push(cause.message),
    })
    new EmbeddedChannel(handler).writeInbound(msg)
    await nextTurn()
    assert.deepEqual([msg.refCnt, caught], [0, ['no']])
  })

  test('channelRead0 itself with autoRelease: false', () => {
    const msg = new Login()
    new EmbeddedChannel(new Taking(() => undefined, Login, { autoRelease: false })).writeInbound(msg)
    assert.equal(msg.refCnt, 1)
  })

  test('nobody releases what passes on', () => {
    const msg = Unpooled.buffer(4)
    const channel = new EmbeddedChannel(new Taking(() => undefined, Login))
    channel.writeInbound(msg)
    assert.equal(msg.refCnt, 1)
    msg.release()
  })
})

test('String, Number and the like as matcher stand for the primitive types, for the compiler too', () => {
  const stringMatcher: MessageMatcher<string> = String
  const numberMatcher: MessageMatcher<number> = Number
  // @ts-expect-error the two are not the same
  void (Number satisfies MessageMatcher<string>)
  assert.deepEqual(['a', 1, true, 1n].map(toPredicate(stringMatcher)), [true, false, false, false])
  assert.deepEqual(['a', 1, true, 1n].map(toPredicate(numberMatcher)), [false, true, false, false])
  assert.throws(() => toPredicate('a' as unknown as MessageMatcher<string>), /expected: a class or a type guard/)
})

test('an echo that forgets to retain is told the rule and the name of the handler', () => {
  const channel = new EmbeddedChannel(
    new Taking<ByteBuf>((msg) => void channel.writeAndFlush(msg, null)),
  )
  channel.pipeline.addFirst({
    write(_ctx, msg) {
      ;(msg as ByteBuf).release()
    },
  } as ChannelHandler)
  assert.throws(() => channel.writeInbound(Unpooled.copiedBuffer('x')), /Taking releases each message after channelRead0.*retain\(\)/)
})

test('fields and methods of a subclass do not collide with its own', () => {
  class Named extends SimpleChannelInboundHandler<string> {
    matches = 0
    autoRelease = 'mine'
    constructor() {
      super(String)
    }
    channelRead0(): void {
      this.matches++
    }
    releaseOwn(): never {
      throw new Error('called')
    }
  }
  const handler = new Named()
  const channel = new EmbeddedChannel(handler)
  channel.writeInbound('a', 1)
  assert.deepEqual([handler.matches, channel.readInbound()], [1, 1])
})
