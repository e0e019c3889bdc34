import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { eventually, ManualTicker } from '@knotty/testing'
import { type Channel, type ChannelHandler, ChannelOption, HalfOpenTimeoutError } from '@knotty/transport'
import { type LeakScope, leakScope } from '../../support/leak-scope.js'
import { connectTo, LOCAL_PLACE, option, type OptionValues, serveAt } from '../../support/tcp.js'
import { recordLogs } from '../../unit/transport/channel/recorded-logs.js'

const MANUAL = option(ChannelOption.AUTO_READ, false)
const PROBED = option(ChannelOption.LIVENESS_PROBE_MS, 1000)

interface Pair {
  readonly clock: ManualTicker
  readonly client: Channel
  readonly child: Channel
  readonly got: unknown[]
  readonly log: string[]
}

/** A connection whose accepted end has AUTO_READ off and is probed each 1000 ms of the test's time. */
async function open(scope: LeakScope, childOptions: OptionValues = []): Promise<Pair> {
  const clock = new ManualTicker()
  const group = scope.group({ ticker: clock })
  const got: unknown[] = []
  const log: string[] = []
  const handler: ChannelHandler = {
    channelRead: (_ctx, msg) => void got.push(msg),
    exceptionCaught: (_ctx, cause) => void log.push((cause as { code?: string }).code ?? cause.name),
    channelInactive: () => void log.push('inactive'),
  }
  const server = await serveAt(scope, group, LOCAL_PLACE, () => [handler], [MANUAL, PROBED, ...childOptions])
  const client = await connectTo(scope, group, server.address, [], [option(ChannelOption.LIVENESS_PROBE_MS, 0)])
  const child = await server.child()
  await eventually(() => assert.ok(child.isActive && child.isRegistered))
  return { clock, client, child, got, log }
}

async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('the end of a local connection that nobody reads', () => {
  for (const messages of [0, 3, 200]) {
    for (const [what, act, log] of [
      ['close()', (client: Channel) => client.close(), ['inactive']],
      ['shutdownOutput()', (client: Channel) => client.shutdownOutput(), ['inactive']],
      ['abort()', (client: Channel) => client.abort(), ['ECONNRESET', 'inactive']],
    ] as const) {
      test(`${what} of the peer behind ${messages} messages is found by one probe`, async (t) => {
        recordLogs(t)
        await leakScope(async (scope) => {
          const { clock, client, child, got, log: seen } = await open(scope)
          for (let index = 0; index < messages; index++) client.write(index)
          client.flush()
          await act(client)
          await turns()
          assert.equal(child.isOpen, true)
          await clock.advance(1000)
          await child.closeFuture
          await eventually(() => assert.deepEqual(seen, log))
          assert.deepEqual(got, [...Array(messages).keys()])
          assert.equal(clock.pendingTimers, 0)
        })()
      })
    }
  }
})

describe('a probe of a local connection', () => {
  test(
    'keeps a bounded number of messages, also of those without bytes, and gives them to read() one by one',
    leakScope(async (scope) => {
      const { clock, client, child, got } = await open(scope)
      for (let index = 0; index < 5000; index++) client.write({ index }, null)
      client.flush()
      for (let round = 0; round < 20; round++) await clock.advance(1000)
      const waiting = client.outboundBuffer?.messages ?? 0
      assert.ok(waiting >= 5000 - 2 * 683, `${waiting} messages wait at the writer`)
      assert.equal(clock.pendingTimers, 0)
      for (let read = 1; read <= 3; read++) {
        child.read()
        await eventually(() => assert.equal(got.length, read))
        await turns()
        assert.equal(got.length, read)
      }
      assert.equal(clock.pendingTimers, 1)
      child.config.autoRead = true
      await eventually(() => assert.equal(got.length, 5000))
      assert.deepEqual(got.map((msg) => (msg as { index: number }).index), [...Array(5000).keys()])
    }),
  )

  test(
    'is over without a timer when the channel is closed; what it kept is released once',
    leakScope(async (scope) => {
      const { clock, client, child } = await open(scope)
      const sent: ByteBuf[] = []
      for (let index = 0; index < 5; index++) {
        const msg = Unpooled.copiedBuffer(`message ${index}`)
        sent.push(msg)
        await client.writeAndFlush(msg)
        if (index === 2) await clock.advance(1000)
      }
      assert.deepEqual(sent.map((msg) => msg.refCnt), [1, 1, 1, 1, 1])
      await child.close()
      assert.deepEqual(sent.map((msg) => msg.refCnt), [0, 0, 0, 0, 0])
      assert.equal(clock.pendingTimers, 0)
    }),
  )
})

test(
  'a half-open local connection in which nothing moves is closed; messages that move keep it open',
  leakScope(async (scope) => {
    const { clock, client, child } = await open(scope, [
      option(ChannelOption.ALLOW_HALF_CLOSURE, true),
      option(ChannelOption.HALF_OPEN_TIMEOUT_MS, 5000),
      option(ChannelOption.LIVENESS_PROBE_MS, 0),
    ])
    child.config.autoRead = true
    await client.shutdownOutput()
    await eventually(() => assert.equal(clock.pendingTimers, 1 + 1)) // the client has its default of 60 s
    for (let round = 0; round < 4; round++) {
      await clock.advance(4999)
      await child.writeAndFlush(round)
    }
    await clock.advance(4999)
    assert.equal(child.isOpen, true)
    await clock.advance(1)
    assert.equal(child.isOpen, false)
    const late = child.write('late')
    assert.ok(late.cause?.cause instanceof HalfOpenTimeoutError)
    await client.closeFuture
    assert.equal(clock.pendingTimers, 0)
  }),
)

test(
  'the callbacks of local channels never see the AsyncLocalStorage store of whoever connected, read, wrote, shut down or closed',
  leakScope(async (scope) => {
    const storage = new AsyncLocalStorage<string>()
    const seen: string[] = []
    const note = (name: string): void => void seen.push(`${name} ${storage.getStore() ?? '-'}`)
    const tracer = (): ChannelHandler => ({
      channelActive: () => note('active'),
      channelRead: () => note('read'),
      channelReadComplete: () => note('complete'),
      userEventTriggered: (_ctx, event) => note(String((event as object).constructor.name)),
      channelInactive: () => note('inactive'),
      channelUnregistered: () => note('unregistered'),
      handlerRemoved: () => note('removed'),
    })
    const group = scope.group()
    const options = [option(ChannelOption.ALLOW_HALF_CLOSURE, true), option(ChannelOption.SO_RCVBUF, 200), MANUAL]
    const server = await serveAt(scope, group, LOCAL_PLACE, () => [tracer()], options)
    const client = await storage.run('store', () => connectTo(scope, group, server.address, [tracer()]))
    const child = await server.child()
    await eventually(() => assert.ok(child.isActive && child.isRegistered))
    storage.run('store', () => {
      for (let index = 0; index < 4; index++) client.writeAndFlush(index).addListener(() => index > 1 && note('late write'))
      child.read()
    })
    await eventually(() => assert.equal(seen.filter((line) => line.startsWith('read')).length, 1))
    storage.run('store', () => void (child.config.autoRead = true))
    await eventually(() => assert.equal(seen.filter((line) => line.startsWith('late write')).length, 2))
    storage.run('store', () => void client.shutdownOutput())
    await eventually(() => assert.ok(seen.some((line) => line.startsWith('ChannelInputShutdownEvent'))))
    storage.run('store', () => void child.close())
    await eventually(() => assert.equal(seen.filter((line) => line.startsWith('removed')).length, 2))
    // shutdownOutput() fires its event before it returns, in the caller's own context.
    assert.deepEqual(seen.filter((line) => line.endsWith('store') && !line.startsWith('ChannelOutputShutdownEvent')), [])
  }),
)
