import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Unpooled } from '@knotty/buffer'
import { IllegalArgumentError, type Logger, setLogger } from '@knotty/common'
import { LoggingHandler, type LoggingHandlerOptions } from '@knotty/handler'
import { EmbeddedChannel, LocalSocketAddress } from '@knotty/transport'

interface Log {
  readonly lines: string[]
  readonly logger: Logger
}

/** Lines as `level text`, the channel written as `ch`. */
function newLog(): Log {
  const lines: string[] = []
  const at = (level: string) => (message: string, error?: unknown): void => {
    lines.push(`${level} ${message.replace(/\[[^\]]*\]/, 'ch')}${error === undefined ? '' : `: ${String(error)}`}`)
  }
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}

function logged(options: LoggingHandlerOptions = {}): { channel: EmbeddedChannel; lines: string[] } {
  const { lines, logger } = newLog()
  return { channel: EmbeddedChannel.with({ hasDisconnect: true }, new LoggingHandler({ logger, ...options })), lines }
}

test('asks its logger first: what would be dropped is not made', () => {
  const { logger, lines } = newLog()
  let enabled = false
  let shown = 0
  const asked: string[] = []
  const asking: Logger = { ...logger, isEnabled: (level) => (asked.push(level), enabled) }
  const message = { [inspect.custom]: () => `shown ${++shown}` }
  const channel = new EmbeddedChannel(new LoggingHandler({ logger: asking, level: 'info' }))
  channel.writeInbound(message, Unpooled.copiedBuffer('dropped'))
  assert.deepEqual([lines, shown, new Set(asked)], [[], 0, new Set(['info'])])
  enabled = true
  channel.writeInbound(message)
  assert.deepEqual([lines, shown], [['info ch READ: shown 1', 'info ch READ COMPLETE'], 1])
  asking.isEnabled = () => {
    throw new Error('of the logger')
  }
  channel.writeInbound(message)
  assert.equal(shown, 2)
  channel.finishAndReleaseAll()
})

test('logs each event in one line, and passes it on', () => {
  const { channel, lines } = logged({ format: 'simple' })
  const address = new LocalSocketAddress('there')
  const read = Unpooled.copiedBuffer('hello')
  channel.writeInbound(read)
  channel.writeOutbound(Unpooled.copiedBuffer('bye'))
  channel.pipeline.fireUserEventTriggered({ kind: 'event' })
  channel.pipeline.fireExceptionCaught(new Error('expected'))
  assert.throws(() => channel.checkException(), /expected/)
  channel.bind(address)
  channel.connect(address)
  channel.connect(address, address)
  channel.outboundBuffer?.setUserDefinedWritability(1, false)
  channel.runPendingTasks()
  channel.disconnect()
  channel.close()
  assert.deepEqual(lines, [
    'debug ch REGISTERED',
    'debug ch ACTIVE',
    'debug ch READ: 5B',
    'debug ch READ COMPLETE',
    'debug ch WRITE: 3B',
    'debug ch FLUSH',
    "debug ch USER_EVENT: { kind: 'event' }",
    'debug ch EXCEPTION: Error: expected',
    'debug ch BIND: local:there',
    'debug ch CONNECT: local:there',
    'debug ch CONNECT: local:there, local:there',
    'debug ch WRITABILITY CHANGED: not writable',
    'debug ch DISCONNECT',
    'debug ch CLOSE',
    'debug ch INACTIVE',
    'debug ch UNREGISTERED',
  ])
  assert.deepEqual([channel.readInbound(), read.refCnt, read.readerIndex], [read, 1, 0])
  channel.releaseOutbound()
  const other = logged()
  other.channel.deregister()
  assert.deepEqual(other.lines.slice(2), ['debug ch DEREGISTER', 'debug ch UNREGISTERED'])
})

describe('bytes', () => {
  test('are shown as a table, a line for each row', () => {
    const { channel, lines } = logged()
    channel.writeInbound(Unpooled.copiedBuffer('hello'))
    assert.deepEqual(lines.slice(2, -1), [
      'debug ch READ: 5B',
      'debug          +-------------------------------------------------+',
      'debug          |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
      'debug +--------+-------------------------------------------------+----------------+',
      'debug |00000000| 68 65 6c 6c 6f                                  |hello           |',
      'debug +--------+-------------------------------------------------+----------------+',
    ])
  })

  test('of a Uint8Array too, up to maxBytes of them, and none of an empty buffer', () => {
    const { channel, lines } = logged({ maxBytes: 16 })
    channel.writeOutbound(new Uint8Array(1000))
    channel.writeOutbound(Unpooled.buffer(4))
    assert.deepEqual(lines.filter((line) => !line.includes('--')).slice(2), [
      'debug ch WRITE: 1000B',
      'debug          |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
      'debug |00000000| 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 |................|',
      'debug (984B more)',
      'debug ch FLUSH',
      'debug ch WRITE: 0B',
      'debug ch FLUSH',
    ])
  })

  test('of a buffer that was released are not touched', () => {
    const { channel, lines } = logged()
    const msg = Unpooled.copiedBuffer('x')
    msg.release()
    channel.pipeline.fireChannelRead(msg)
    assert.deepEqual([lines.at(-1), channel.inboundMessages], ['debug ch READ: a buffer that was released', [msg]])
  })
})

test('other messages are shown in one line, and not at any length', () => {
  const { channel, lines } = logged({ maxBytes: 20 })
  const rude = {
    [inspect.custom](): string {
      throw new Error('no')
    },
  }
  channel.writeInbound('two\nlines', 'x'.repeat(100), rude)
  assert.deepEqual(lines.slice(2, 5), [
    "debug ch READ: 'two\\nlines'",
    "debug ch READ: 'xxxxxxxxxxxxxxxxxxx…",
    'debug ch READ: object',
  ])
})

test('a message whose own inspect gives several lines is one line all the same: a peer must not write lines of its own', () => {
  const { channel, lines } = logged()
  lines.length = 0
  channel.pipeline.fireUserEventTriggered(Object.assign(new Error('boom'), { stack: 'Error: boom\n    at here\r\n    at there' }))
  channel.pipeline.fireUserEventTriggered({ [inspect.custom]: () => 'first\n[1-1: a - b] CLOSE' })
  assert.deepEqual(lines, ['debug ch USER_EVENT: Error: boom at here at there', 'debug ch USER_EVENT: first [1-1: a - b] CLOSE'])
  channel.finish()
})

test('name and level are options; one handler serves many channels', () => {
  const { lines, logger } = newLog()
  const handler = new LoggingHandler({ name: 'wire', level: 'info', logger })
  const channels = [new EmbeddedChannel(handler), new EmbeddedChannel(handler)]
  assert.deepEqual([channels.length, lines], [2, ['info wire ch REGISTERED', 'info wire ch ACTIVE', 'info wire ch REGISTERED', 'info wire ch ACTIVE']])
})

test('without a logger of its own it uses the one in force', (t) => {
  const { lines, logger } = newLog()
  setLogger(logger)
  t.after(() => setLogger(undefined))
  assert.ok(new EmbeddedChannel(new LoggingHandler()).isOpen)
  assert.deepEqual(lines, ['debug ch REGISTERED', 'debug ch ACTIVE'])
})

test('a logger that throws disturbs nothing', () => {
  const throwing = (): void => {
    throw new Error('disk full')
  }
  const logger: Logger = { debug: throwing, info: throwing, warn: throwing, error: throwing }
  const channel = new EmbeddedChannel(new LoggingHandler({ logger }))
  channel.writeInbound('a')
  channel.writeOutbound('b')
  assert.deepEqual([channel.inboundMessages, channel.outboundMessages], [['a'], ['b']])
})

test('refuses options that are none', () => {
  for (const options of [{ level: 'trace' }, { format: 'binary' }, { maxBytes: -1 }, { maxBytes: Infinity }]) {
    assert.throws(() => new LoggingHandler(options as never), IllegalArgumentError)
  }
})

test('refuses a logger that lacks the method of its level', () => {
  assert.throws(() => new LoggingHandler({ level: 'info', logger: { warn: () => undefined } as never }), /logger\.info: undefined/)
})
