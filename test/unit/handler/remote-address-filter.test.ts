import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError, IllegalStateError } from '@knotty/common'
import { AbstractRemoteAddressFilter, type IpFilterRule, RuleBasedIpFilter, UniqueIpFilter } from '@knotty/handler'
import { eventually } from '@knotty/testing'
import {
  type ChannelFuture,
  type ChannelHandler,
  type ChannelHandlerContext,
  EmbeddedChannel,
  LocalSocketAddress,
  type OutboundBuffer,
  type SocketAddress,
  TcpSocketAddress,
  UnixSocketAddress,
} from '@knotty/transport'
import * as fc from 'fast-check'
import { parseIpAddress } from '../../../../packages/handler/dist/ip-address.js'
import { leakScope } from '../../support/leak-scope.js'
import { plainClient, readAll, serve, untilClosed } from '../../support/tcp.js'

/** A connection whose peer's address is known from the start; takes what is flushed unless stalled. */
class Connection extends EmbeddedChannel {
  declare from: SocketAddress | undefined
  declare stalled: boolean

  override get remoteAddress(): SocketAddress | undefined {
    return this.from
  }

  protected override doWrite(outboundBuffer: OutboundBuffer): void {
    if (!this.stalled) super.doWrite(outboundBuffer)
  }
}

/** Events that reach a handler behind the filter. */
function recorder(log: string[]): ChannelHandler {
  return {
    channelRegistered: () => void log.push('registered'),
    channelActive: () => void log.push('active'),
    channelRead: (_ctx, msg) => {
      log.push('read')
      ;(msg as ByteBuf).release()
    },
    channelReadComplete: () => void log.push('complete'),
    userEventTriggered: () => void log.push('event'),
    channelInactive: () => void log.push('inactive'),
    channelUnregistered: () => void log.push('unregistered'),
  }
}

const tcp = (address: string): TcpSocketAddress => new TcpSocketAddress(address, 1234)

function connection(from: SocketAddress | undefined, ...handlers: ChannelHandler[]): { channel: Connection; log: string[] } {
  const log: string[] = []
  const channel = Connection.with({ register: false }) as Connection
  Object.setPrototypeOf(channel, Connection.prototype)
  channel.from = from
  channel.stalled = false
  channel.pipeline.addLast(...handlers, recorder(log))
  return { channel, log }
}

/** Accepts or rejects, and writes down what it is told. */
class Deciding extends AbstractRemoteAddressFilter {
  readonly told: string[] = []
  verdict: () => boolean = () => false
  farewell: ((ctx: ChannelHandlerContext) => ChannelFuture) | undefined = undefined

  protected override accept(): boolean {
    return this.verdict()
  }

  protected override channelAccepted(_ctx: ChannelHandlerContext, remoteAddress: SocketAddress): void {
    this.told.push(`accepted ${remoteAddress.toString()}`)
  }

  protected override channelRejected(ctx: ChannelHandlerContext, remoteAddress: SocketAddress): ChannelFuture | undefined {
    this.told.push(`rejected ${remoteAddress.toString()}`)
    return this.farewell?.(ctx)
  }
}

describe('AbstractRemoteAddressFilter', () => {
  test('an accepted connection goes on without the filter', () => {
    const filter = new Deciding()
    filter.verdict = () => true
    const { channel, log } = connection(tcp('192.0.2.1'), filter)
    channel.register()
    channel.writeInbound(Unpooled.copiedBuffer('x'))
    assert.deepEqual(filter.told, ['accepted 192.0.2.1:1234'])
    assert.equal(channel.pipeline.get(Deciding), undefined)
    assert.deepEqual([channel.isOpen, log], [true, ['registered', 'active', 'read', 'complete']])
  })

  test('a rejected one is closed, and the handlers behind hear nothing of it', () => {
    const filter = new Deciding()
    const { channel, log } = connection(tcp('192.0.2.1'), filter)
    channel.register()
    assert.deepEqual([filter.told, channel.isOpen, log], [['rejected 192.0.2.1:1234'], false, []])
  })

  test('while its farewell is under way, bytes and events are dropped; then it is closed', () => {
    const filter = new Deciding()
    filter.farewell = (ctx) => ctx.writeAndFlush('go away')
    const { channel, log } = connection(tcp('192.0.2.1'), filter)
    channel.stalled = true
    channel.register()
    const bytes = Unpooled.copiedBuffer('x')
    channel.writeInbound(bytes)
    channel.pipeline.fireUserEventTriggered('event')
    assert.deepEqual([channel.isOpen, bytes.refCnt, log], [true, 0, []])
    channel.stalled = false
    channel.flush()
    assert.deepEqual([channel.isOpen, channel.outboundMessages, log], [false, ['go away'], []])
    assert.equal(channel.embeddedEventLoop.scheduledTasks, 0)
  })

  test('a farewell that is sent at once does not keep it open; one the peer never takes does so for farewellTimeoutMs', () => {
    const filter = new Deciding({ farewellTimeoutMs: 100 })
    filter.farewell = (ctx) => ctx.writeAndFlush('go away')
    const quick = connection(tcp('192.0.2.1'), filter).channel
    quick.register()
    assert.deepEqual([quick.isOpen, quick.outboundMessages], [false, ['go away']])
    const slow = connection(tcp('192.0.2.1'), filter).channel
    slow.freezeTime()
    slow.stalled = true
    slow.register()
    slow.advanceTimeBy(99)
    assert.equal(slow.isOpen, true)
    slow.advanceTimeBy(1)
    assert.equal(slow.isOpen, false)
  })

  test('an accept that throws rejects, and its error is told', () => {
    const filter = new Deciding()
    filter.verdict = () => {
      throw new Error('no list')
    }
    const { channel, log } = connection(tcp('192.0.2.1'), filter)
    channel.register()
    assert.throws(() => channel.checkException(), /no list/)
    assert.deepEqual([channel.isOpen, log], [false, []])
  })

  test('an accept that gives no boolean, such as an async one, rejects: its promise would let everybody in', async () => {
    for (const verdict of [async () => true, async () => Promise.reject(new Error('no list')), () => undefined]) {
      const filter = new Deciding()
      filter.verdict = verdict as never
      const { channel, log } = connection(tcp('192.0.2.1'), filter)
      channel.register()
      assert.throws(
        () => channel.checkException(),
        (error: Error) => error instanceof IllegalStateError && /Deciding\.accept\(\) gave .* \(expected: true or false/.test(error.message),
      )
      assert.deepEqual([channel.isOpen, log], [false, []])
    }
    await new Promise((resolve) => setImmediate(resolve)) // an unhandled rejection would end the process
  })

  test('hooks that throw, or reject, are told of, and change nothing', async () => {
    for (const isAsync of [false, true]) {
      const fail = (): never => {
        const error = new Error('in a hook')
        if (isAsync) return Promise.reject(error) as never
        throw error
      }
      class Failing extends Deciding {
        protected override channelAccepted(): void {
          return fail()
        }
        protected override channelRejected(): ChannelFuture {
          return fail()
        }
      }
      for (const accepted of [true, false]) {
        for (const late of [false, true]) {
          const filter = new Failing()
          filter.verdict = () => accepted
          const errors: string[] = []
          const { channel, log } = connection(tcp('192.0.2.1'), ...(late ? [] : [filter]), {
            exceptionCaught: (_ctx, cause) => void errors.push(cause.message),
          } as ChannelHandler)
          channel.register()
          if (late) channel.pipeline.addFirst(filter)
          const bytes = Unpooled.copiedBuffer('x')
          if (channel.isOpen) channel.pipeline.fireChannelRead(bytes)
          else bytes.release()
          await new Promise((resolve) => setImmediate(resolve)) // an unhandled rejection would fail the test
          assert.equal(errors.length, 1)
          assert.match(errors[0] as string, accepted || !isAsync ? /in a hook/ : /Failing\.channelRejected\(\) gave .* \(expected: a ChannelFuture/)
          assert.deepEqual([channel.isOpen, bytes.refCnt], [accepted, 0])
          const told = accepted ? ['registered', 'active', 'read'] : late ? ['registered', 'active'] : []
          assert.deepEqual(log, told)
          if (accepted) channel.finish()
        }
      }
    }
  })

  test('bytes of an active connection without an address do not pass', () => {
    const { channel, log } = connection(undefined, new Deciding())
    channel.register()
    assert.throws(() => channel.checkException(), IllegalStateError)
    const bytes = Unpooled.copiedBuffer('x')
    channel.pipeline.fireChannelRead(bytes)
    assert.deepEqual([bytes.refCnt, log], [0, ['registered']])
  })

  test('a connection that gets its address later is decided when it becomes active; without one that is an error', () => {
    const filter = new Deciding()
    const { channel, log } = connection(undefined, filter)
    channel.register()
    assert.throws(() => channel.checkException(), (error: Error) => error instanceof IllegalStateError && /cannot be filtered/.test(error.message))
    assert.deepEqual(log, ['registered'])
  })

  test('added to an active channel it decides with the first bytes', () => {
    const filter = new Deciding()
    const { channel, log } = connection(tcp('192.0.2.1'))
    channel.register()
    channel.pipeline.addFirst(filter)
    const bytes = Unpooled.copiedBuffer('x')
    channel.pipeline.fireChannelRead(bytes)
    assert.deepEqual([channel.isOpen, bytes.refCnt, log], [false, 0, ['registered', 'active']])
  })
})

describe('RuleBasedIpFilter', () => {
  const accepts = (filter: RuleBasedIpFilter, address: SocketAddress): boolean => {
    const { channel } = connection(address, filter)
    channel.register()
    return channel.isOpen
  }
  const accept = (address: string): IpFilterRule => ({ address, type: 'accept' })
  const reject = (address: string): IpFilterRule => ({ address, type: 'reject' })

  test('the first rule that matches decides, and acceptIfNotFound when none does', () => {
    const rules = [reject('10.0.0.13'), accept('10.0.0.0/8'), accept('2001:db8::/32'), reject('10.0.0.14'), accept('192.0.2.7')]
    for (const acceptIfNotFound of [true, false]) {
      const filter = new RuleBasedIpFilter({ rules, acceptIfNotFound })
      const verdicts = ['10.0.0.13', '10.255.0.1', '10.0.0.14', '192.0.2.7', '2001:db8:1::1'].map((address) => accepts(filter, tcp(address)))
      assert.deepEqual(verdicts, [false, true, true, true, true])
      assert.equal(accepts(filter, tcp('11.0.0.1')), acceptIfNotFound)
      assert.equal(accepts(filter, tcp('::1')), acceptIfNotFound)
    }
    assert.ok(accepts(new RuleBasedIpFilter({ rules: [] }), tcp('11.0.0.1')))
  })

  test('IPv4 addresses written as IPv6 are IPv4 addresses, in rules and peers', () => {
    const filter = new RuleBasedIpFilter({ rules: [reject('10.0.0.0/8'), reject('::ffff:192.0.2.0/120')] })
    const rejected = ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '192.0.2.200', '::FFFF:192.0.2.1']
    assert.deepEqual(rejected.map((address) => accepts(filter, tcp(address))), rejected.map(() => false))
    assert.deepEqual(['192.0.3.1', '::ffff:11.0.0.1', '::a01:203'].map((address) => accepts(filter, tcp(address))), [true, true, true])
    const everyV6 = new RuleBasedIpFilter({ rules: [reject('::/0')] })
    assert.deepEqual(['::1', 'fe80::1%eth0', '::ffff:10.1.2.3'].map((address) => accepts(everyV6, tcp(address))), [false, false, true])
  })

  test('a peer without IP address matches no rule', () => {
    const rules = [accept('0.0.0.0/0'), accept('::/0')]
    for (const address of [new UnixSocketAddress('/tmp/x'), new LocalSocketAddress('x')]) {
      assert.equal(accepts(new RuleBasedIpFilter({ rules, acceptIfNotFound: false }), address), false)
      assert.equal(accepts(new RuleBasedIpFilter({ rules: [reject('0.0.0.0/0')] }), address), true)
    }
  })

  test('agrees with the arithmetic of subnets, for any address and prefix', () => {
    const value = (address: string): bigint => {
      const { text, family } = parseIpAddress(address) as { text: string; family: 4 | 6 }
      if (family === 4) return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
      const [head = '', tail] = text.split('::')
      const groups = (part: string | undefined): string[] => (part === undefined || part === '' ? [] : part.split(':'))
      const zeros = Array.from({ length: 8 - groups(head).length - groups(tail).length }, () => '0')
      return [...groups(head), ...zeros, ...groups(tail)].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n)
    }
    const family = fc.constantFrom({ bits: 32, ip: fc.ipV4() }, { bits: 128, ip: fc.ipV6() })
    fc.assert(
      fc.property(
        family.chain(({ bits, ip }) => fc.tuple(fc.constant(bits), ip, ip, fc.integer({ min: 0, max: bits }))),
        ([bits, net, other, prefix]) => {
          const families = [net, other].map((address) => parseIpAddress(address)?.family)
          fc.pre(families.every((found) => found === (bits === 32 ? 4 : 6)))
          const filter = new RuleBasedIpFilter({ rules: [accept(`${net}/${prefix}`)], acceptIfNotFound: false })
          const shift = BigInt(bits - prefix)
          assert.equal(accepts(filter, tcp(net)), true)
          assert.equal(accepts(filter, tcp(other)), value(net) >> shift === value(other) >> shift)
        },
      ),
    )
  })

  test('refuses rules that are none, and names them', () => {
    const refused = (rules: unknown, message: RegExp): void =>
      assert.throws(
        () => new RuleBasedIpFilter({ rules: rules as IpFilterRule[] }),
        (error: Error) => error instanceof IllegalArgumentError && message.test(error.message),
      )
    refused('10.0.0.0/8', /^rules: /)
    refused([accept('10.0.0.0/8'), { address: '10.0.0.1', type: 'allow' }], /^rules\[1\]\.type: 'allow'/)
    for (const bad of ['10.0.0', '10.0.0.0/', 'localhost', '10.0.0.0/8/8', '', '1.2.3.4%x/8y']) refused([accept(bad)], /^rules\[0\]\.address: /)
    for (const bad of [null, undefined, '10.0.0.0/8']) refused([accept('::1'), bad], /^rules\[1\]: .* \(expected: \{ address, type \}\)/)
    refused([accept('10.0.0.0%eth0/8')], /^rules\[0\]\.address: /)
    refused([accept('10.0.0.0/33')], /the prefix is 33 \(expected: 0 to 32\)/)
    refused([accept('::/129')], /the prefix is 129 \(expected: 0 to 128\)/)
    refused([accept('::ffff:10.0.0.0/8')], /the prefix is 8 \(expected: 96 to 128\)/)
    refused([accept(undefined as never)], /^rules\[0\]\.address: undefined/)
  })

  test(
    'over sockets: a rejected client gets the farewell and the end of the connection',
    leakScope(async (scope) => {
      class Polite extends RuleBasedIpFilter {
        protected override channelRejected(ctx: ChannelHandlerContext): ChannelFuture {
          return ctx.writeAndFlush(Unpooled.copiedBuffer('not you'))
        }
      }
      const filter = new Polite({ rules: [reject('127.0.0.0/8')] })
      const log: string[] = []
      const server = await serve(scope, scope.group(), () => [filter, recorder(log)])
      const client = await plainClient(scope, server.port)
      assert.equal(String(await readAll(client)), 'not you')
      assert.deepEqual(log, [])
    }),
  )
})

describe('UniqueIpFilter', () => {
  test('accepts one connection of an address at a time, however it is written, and all without one', () => {
    const filter = new UniqueIpFilter()
    const open = (address: SocketAddress): EmbeddedChannel => {
      const { channel } = connection(address, filter)
      channel.register()
      return channel
    }
    const first = open(tcp('10.0.0.1'))
    const all = [first, open(tcp('10.0.0.1')), open(tcp('::ffff:10.0.0.1')), open(tcp('10.0.0.2'))]
    assert.deepEqual(all.map((channel) => channel.isOpen), [true, false, false, true])
    first.close()
    assert.deepEqual([open(tcp('::ffff:10.0.0.1')), open(tcp('10.0.0.1'))].map((channel) => channel.isOpen), [true, false])
    assert.equal(open(tcp('10.0.0.2')).isOpen, false) // another's end frees nothing
    const unix = new UnixSocketAddress('/tmp/x')
    assert.deepEqual([open(unix), open(unix)].map((channel) => channel.isOpen), [true, true])
  })

  test(
    'over sockets',
    leakScope(async (scope) => {
      const filter = new UniqueIpFilter()
      const server = await serve(scope, scope.group(), () => [filter])
      const first = await plainClient(scope, server.port)
      const second = await plainClient(scope, server.port)
      second.resume()
      await untilClosed(second)
      assert.equal(first.destroyed, false)
      first.destroy()
      await eventually(async () => {
        const third = await plainClient(scope, server.port)
        third.resume()
        third.write('x')
        await new Promise((resolve) => setImmediate(resolve))
        assert.equal(server.children.at(-1)?.isOpen, true)
      })
    }),
  )
})

test('refuses options that are no object', () => {
  assert.throws(() => new UniqueIpFilter(5000 as never), /options: 5000 \(expected: new UniqueIpFilter\(\{ farewellTimeoutMs \}\)\)/)
})
