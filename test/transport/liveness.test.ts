import assert from 'node:assert/strict'
import type net from 'node:net'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually, ManualTicker } from '@knotty/testing'
import { type Channel, type ChannelHandler, type ChannelHandlerContext, ChannelOption } from '@knotty/transport'
import { isUnix, notOver } from '../support/cell.js'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { option, type OptionValues, plainClient, serve } from '../support/tcp.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

const MANUAL = option(ChannelOption.AUTO_READ, false)
/** What a probe keeps at most, and one read more. */
const HOLD = 65536

/** Records what it gets; `swallowing` keeps read() from the socket. */
class Recorder implements ChannelHandler {
  readonly log: string[] = []
  reads = 0
  text = ''
  swallowing = false
  onRead: ((ctx: ChannelHandlerContext) => void) | undefined

  read(ctx: ChannelHandlerContext): void {
    if (!this.swallowing) ctx.read()
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.reads++
    this.text += (msg as ByteBuf).toString('latin1')
    ;(msg as ByteBuf).release()
    this.onRead?.(ctx)
  }

  exceptionCaught(_ctx: ChannelHandlerContext, cause: Error): void {
    this.log.push((cause as { code?: string }).code ?? cause.name)
  }

  channelInactive(): void {
    this.log.push('inactive')
  }
}

interface Connection {
  readonly recorder: Recorder
  readonly channel: Channel
  readonly client: net.Socket
  readonly clock: ManualTicker
}

/** A connection whose time is the test's, with AUTO_READ off and a probe each 1000 ms. */
async function open(scope: LeakScope, options: OptionValues = [], readSlabBytes = 1024): Promise<Connection> {
  const clock = new ManualTicker()
  const group = scope.group({ readSlabBytes, ticker: clock })
  const recorder = new Recorder()
  const server = await serve(scope, group, () => [recorder], [MANUAL, option(ChannelOption.LIVENESS_PROBE_MS, 1000), ...options])
  const client = await plainClient(scope, server.port, { allowHalfOpen: true })
  const channel = await server.child()
  await eventually(() => assert.ok(channel.isActive && channel.isRegistered))
  return { recorder, channel, client, clock }
}

async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The bytes are in the receive buffer of the channel's socket. */
async function send(client: net.Socket, text: string): Promise<void> {
  await new Promise<void>((resolve) => client.write(text, 'latin1', () => resolve()))
  await turns()
}

/** What probes have brought up and nobody has read. */
function heldBy(channel: Channel): readonly { readonly msg: unknown }[] {
  return (channel as unknown as { paused?: { messages: { msg: unknown }[] } }).paused?.messages ?? []
}

const STATES: readonly [what: string, options: OptionValues, pause: (recorder: Recorder, channel: Channel) => void][] = [
  ['with AUTO_READ off from the start', [MANUAL], () => undefined],
  ['with AUTO_READ switched off later', [], (_recorder, channel) => (channel.config.autoRead = false)],
  ['whose manual reader has stopped', [MANUAL], () => undefined],
  ['whose first read() a handler has swallowed', [], () => undefined],
]
const ENDS: readonly [what: string, end: (client: net.Socket) => void][] = [
  ['FIN', (client) => void client.end()],
  ['close', (client) => void client.destroy()],
  ['RST', (client) => void client.resetAndDestroy()],
]

describe('the end of a connection that nobody reads', () => {
  for (const [state, options, pause] of STATES) {
    for (const [what, end] of ENDS) {
      for (const text of ['', 'last words']) {
        const skip = what === 'RST' && isUnix() ? notOver(['unix-libuv', 'unix-net'], 'it has no reset') : {}
        test(`a peer's ${what} behind ${text.length} bytes is found, of a channel ${state}`, skip, async (t) => {
          recordLogs(t)
          await leakScope(async (scope) => {
            const recorder = new Recorder()
            recorder.swallowing = state.includes('swallowed')
            const group = scope.group()
            const server = await serve(scope, group, () => [recorder], [...options, option(ChannelOption.LIVENESS_PROBE_MS, 30)])
            const client = await plainClient(scope, server.port)
            const channel = await server.child()
            await eventually(() => assert.ok(channel.isActive && channel.isRegistered))
            if (state.includes('stopped')) {
              channel.read()
              client.write('first ')
              await eventually(() => assert.equal(recorder.text, 'first '))
              recorder.text = ''
            }
            pause(recorder, channel)
            if (text !== '') await send(client, text)
            end(client)
            await channel.closeFuture
            await eventually(() => assert.equal(recorder.log.at(-1), 'inactive'))
            assert.equal(recorder.text, text)
            // Node 20 and 22 report a RST behind data as a clean end.
            assert.deepEqual(recorder.log.slice(0, -1), recorder.log.length > 1 && what === 'RST' ? ['ECONNRESET'] : [])
            if (what === 'RST' && text === '') assert.equal(recorder.log.length, 2)
          })()
        })
      }
    }
  }
})

describe('a probe', () => {
  test(
    'keeps what it brings up for read(), one chunk each, in order',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      for (const text of ['one', 'two']) {
        await send(client, text)
        await clock.advance(1000)
      }
      await send(client, 'three')
      assert.deepEqual([recorder.reads, heldBy(channel).length], [0, 2])
      for (const [count, text] of [[1, 'one'], [2, 'onetwo'], [3, 'onetwothree']] as const) {
        channel.read()
        await eventually(() => assert.equal(recorder.reads, count))
        await turns()
        assert.deepEqual([recorder.reads, recorder.text], [count, text])
      }
      client.end()
      await turns()
      assert.equal(channel.isOpen, true)
      await clock.advance(1000)
      assert.equal(channel.isOpen, false)
    }),
  )

  test(
    'comes once an interval, and not before one has passed since reading stopped',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      await send(client, 'x')
      await clock.advance(999)
      assert.equal(channel.bytesRead, 0)
      await clock.advance(1)
      assert.equal(channel.bytesRead, 1)
      await clock.advance(500)
      channel.read()
      await eventually(() => assert.equal(recorder.text, 'x'))
      await send(client, 'y')
      await clock.advance(999)
      assert.equal(channel.bytesRead, 1)
      await clock.advance(1)
      assert.equal(channel.bytesRead, 2)
      assert.equal(recorder.reads, 1)
      assert.equal(clock.pendingTimers, 1)
    }),
  )

  test(
    'keeps 64 KiB, then none comes until read(), which gives one chunk and lets them come again',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      const sent = Array.from({ length: 200 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(1000)).join('')
      client.write(sent)
      for (let round = 0; round < 12; round++) await clock.advance(1000)
      const held = channel.bytesRead
      assert.ok(held >= HOLD && held < 2 * HOLD, `${held} bytes are held`)
      assert.deepEqual([recorder.reads, clock.pendingTimers], [0, 0])
      const [first] = heldBy(channel) as [{ msg: ByteBuf }]
      const size = first.msg.readableBytes
      channel.read()
      await eventually(() => assert.equal(recorder.reads, 1))
      await turns()
      assert.deepEqual([recorder.reads, recorder.text, channel.bytesRead], [1, sent.slice(0, size), held])
      assert.equal(clock.pendingTimers, 1)
      channel.config.autoRead = true
      await eventually(() => assert.equal(recorder.text.length, sent.length))
      assert.equal(recorder.text, sent)
    }),
  )

  test(
    'finds a FIN behind a hold that was full, once a read() has taken a chunk of it',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      const sent = 'x'.repeat(HOLD)
      await send(client, sent)
      client.end()
      for (let round = 0; round < 4; round++) await clock.advance(1000)
      assert.equal(channel.bytesRead, HOLD)
      if (!channel.isOpen) return // brought up together with the last bytes
      channel.read()
      await eventually(() => assert.equal(recorder.reads, 1))
      for (let round = 0; round < 2; round++) await clock.advance(1000)
      assert.equal(channel.isOpen, false)
      assert.equal(recorder.text, sent)
    }),
  )

  test(
    'under way when somebody reads gives one message, whether something was held or not',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      await send(client, 'one')
      await clock.advance(1000, () => channel.read())
      await eventually(() => assert.equal(recorder.text, 'one'))
      await send(client, 'two')
      await clock.advance(1000)
      assert.equal(heldBy(channel).length, 1)
      await clock.advance(1000, () => channel.read())
      await eventually(() => assert.equal(recorder.text, 'onetwo'))
      await send(client, 'three')
      assert.deepEqual([recorder.reads, channel.bytesRead], [2, 6])
      await clock.advance(1000)
      await send(client, 'four')
      await clock.advance(1000, () => channel.read())
      await send(client, 'five')
      await turns()
      assert.deepEqual([recorder.reads, recorder.text], [3, 'onetwothree'])
      channel.config.autoRead = true
      await eventually(() => assert.equal(recorder.text, 'onetwothreefourfive'))
    }),
  )

  test(
    'never comes with LIVENESS_PROBE_MS 0, and comes once it is set',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope, [option(ChannelOption.LIVENESS_PROBE_MS, 0)])
      await send(client, 'x')
      client.end()
      await clock.advance(1_000_000)
      assert.deepEqual([channel.isOpen, channel.bytesRead, clock.pendingTimers], [true, 0, 0])
      channel.config.setOption(ChannelOption.LIVENESS_PROBE_MS, 50)
      await clock.advance(50)
      assert.deepEqual([channel.isOpen, recorder.text], [false, 'x'])
    }),
  )

  test(
    'does not come while the channel is deregistered; what it held stays, and it comes again afterwards',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      await send(client, 'one')
      await clock.advance(1000)
      const loop = channel.eventLoop
      await channel.deregister()
      assert.equal(clock.pendingTimers, 0)
      await send(client, 'two')
      await clock.advance(5000)
      assert.deepEqual([recorder.reads, channel.bytesRead], [0, 3])
      await loop.register(channel)
      assert.equal(clock.pendingTimers, 1)
      await clock.advance(1000)
      assert.equal(channel.bytesRead, 6)
      client.end()
      await turns()
      await clock.advance(1000)
      assert.deepEqual([recorder.text, channel.isOpen, clock.pendingTimers], ['onetwo', false, 0])
    }),
  )

  test(
    'moves with its channel to another loop, held bytes first',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      const secondClock = new ManualTicker()
      const second = scope.group({ readSlabBytes: 2048, ticker: secondClock })
      await send(client, 'one')
      await clock.advance(1000)
      await channel.deregister()
      channel.read()
      await send(client, 'two')
      await second.register(channel)
      await eventually(() => assert.equal(recorder.text, 'one'))
      assert.deepEqual([clock.pendingTimers, secondClock.pendingTimers], [0, 1])
      await secondClock.advance(1000)
      channel.config.autoRead = true
      await eventually(() => assert.equal(recorder.text, 'onetwo'))
    }),
  )

  test(
    'leaves no timer behind when the channel is closed, under way or not, and releases what it held',
    leakScope(async (scope) => {
      for (const meanwhile of [false, true]) {
        const { channel, client, clock } = await open(scope)
        await send(client, 'one')
        await clock.advance(1000)
        const held = heldBy(channel).map(({ msg }) => msg as ByteBuf)
        assert.deepEqual(held.map((msg) => msg.refCnt), [1])
        await send(client, 'two')
        if (meanwhile) await clock.advance(1000, () => void channel.close())
        else await channel.close()
        assert.deepEqual([held.map((msg) => msg.refCnt), heldBy(channel).length, clock.pendingTimers], [[0], 0, 0])
      }
    }),
  )

  for (const [what, act] of [
    ['close()', (channel: Channel) => void channel.close()],
    ['shutdownInput()', (channel: Channel) => void channel.shutdownInput()],
  ] as const) {
    test(
      `${what} inside the read of a held chunk releases the others`,
      leakScope(async (scope) => {
        const { recorder, channel, client, clock } = await open(scope)
        for (const text of ['one', 'two', 'three']) {
          await send(client, text)
          await clock.advance(1000)
        }
        const held = heldBy(channel).map(({ msg }) => msg as ByteBuf)
        recorder.onRead = () => act(channel)
        client.end()
        await turns()
        if (what === 'close()') channel.read()
        else await clock.advance(1000)
        await eventually(() => assert.deepEqual(held.map((msg) => msg.refCnt), [0, 0, 0]))
        assert.equal(recorder.text, 'one')
        await eventually(() => assert.equal(recorder.log.at(-1), 'inactive'))
        assert.equal(clock.pendingTimers, 0)
      }),
    )
  }

  test(
    'lets a reader that asks for more inside channelRead have all that is held, then what the socket has',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope)
      for (const text of ['one', 'two', 'three']) {
        await send(client, text)
        await clock.advance(1000)
      }
      await send(client, 'four')
      recorder.onRead = (ctx) => {
        if (recorder.reads < 4) ctx.read()
      }
      channel.read()
      await eventually(() => assert.equal(recorder.text, 'onetwothreefour'))
      await send(client, 'five')
      assert.equal(recorder.reads, 4)
    }),
  )

  test(
    'with ALLOW_HALF_CLOSURE delivers what it held, then tells of the FIN, and the channel stays open',
    leakScope(async (scope) => {
      const { recorder, channel, client, clock } = await open(scope, [option(ChannelOption.ALLOW_HALF_CLOSURE, true)])
      await send(client, 'one')
      await clock.advance(1000)
      client.end('two')
      await turns()
      await clock.advance(1000)
      assert.deepEqual([recorder.text, channel.isOpen, channel.isActive], ['onetwo', true, true])
      assert.equal(clock.pendingTimers, 1) // the deadline of a half-open connection
      await channel.close()
      assert.equal(clock.pendingTimers, 0)
    }),
  )
})
