import type { ChannelHandler } from '@knotty/transport'
import type { Cell } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life, type Logs } from '../logs.js'
import type { EventName } from '../recording-handler.js'
import type { Difference, Scenario } from '../scenario.js'
import type { Side } from '../side.js'

/** How the server's channel is brought to the callback in which it is closed. */
interface Inside {
  readonly event: EventName
  /** Done when the client has sent `go`, which the server has read. */
  readonly onGo?: (side: Side) => void
  /** What the client sees of the connection before its end. */
  readonly inbound: readonly string[]
  readonly closing?: readonly string[]
  readonly promises?: readonly string[]
}

/** Of the accepted channel; the client only sees a connection that ends. */
const CALLBACKS: readonly Inside[] = [
  { event: 'read', inbound: life('read go') },
  { event: 'readComplete', inbound: life('read go') },
  { event: 'event', onGo: (side) => side.channel.pipeline.fireUserEventTriggered('now'), inbound: life('read go', 'now') },
  {
    event: 'writability',
    onGo: (side) => side.write(new Uint8Array(100_000), 'much'),
    inbound: life('read go', 'unwritable'),
    promises: ['write much ClosedChannelError'],
  },
  {
    event: 'exception',
    onGo: (side) => side.channel.pipeline.fireExceptionCaught(new RangeError('now')),
    inbound: life('read go', 'exception RangeError'),
  },
  {
    event: 'inactive',
    onGo: (side) => side.close('first close'),
    inbound: life('read go'),
    closing: ['closeFuture', 'first close ok', 'inactive', 'close ok', 'unregistered', 'removed'],
  },
  {
    event: 'unregistered',
    onGo: (side) => side.close('first close'),
    inbound: life('read go'),
    closing: ['closeFuture', 'first close ok', 'inactive', 'unregistered', 'close ok', 'removed'],
  },
  {
    event: 'handlerRemoved',
    onGo: (side) => side.close('first close'),
    inbound: life('read go'),
    closing: ['closeFuture', 'first close ok', 'inactive', 'unregistered', 'close ok', 'removed'],
  },
]

function insideCallback({ event, onGo, inbound, closing = CLOSED_HERE, promises = [] }: Inside): Scenario {
  return {
    id: `close-in-${event}`,
    behaviour: `close() inside ${event} of an accepted channel ends the connection once, and other connections go on`,
    async run(cell) {
      const { server, client } = await cell.pair({
        on: {
          // Two hooks of one event when it is the read itself that closes.
          [event]: (side: Side) => side.close(),
          ...(event === 'read' ? {} : { read: (side: Side) => onGo?.(side) }),
        },
      })
      client.send('go')
      await Promise.all([server.ended, client.ended])
      await cell.connectAsUsual()
    },
    expected: {
      inbound: { server: inbound, client: life() },
      promises: { server: promises, client: ['connect ok', 'write go ok'] },
      closing: { server: closing, client: CLOSED_THERE },
    },
  }
}

/** The client connects to a server that closes the accepted channel in its first callbacks: nothing is sent. */
function closedEarly(event: EventName, server: Pick<Side, 'inbound' | 'closing'>, refused: boolean): Scenario {
  return {
    id: `close-in-${event}`,
    behaviour: `close() inside ${event} of an accepted channel ends the connection once, and other connections go on`,
    async run(cell) {
      const accepted = cell.side('server', { on: { [event]: (side: Side) => side.close() } })
      const client = cell.side('client')
      const listener = await cell.listen(() => accepted)
      await cell.connect(client, cell.addressOf(listener))
      await Promise.all([accepted.ended, client.ended])
      await cell.connectAsUsual()
    },
    expected: {
      inbound: { server: server.inbound, client: life() },
      promises: { client: ['connect ok'] },
      closing: { server: server.closing, client: CLOSED_THERE },
    },
    logsWarnings: refused,
  }
}

const NEVER_CONNECTED: Logs = {
  inbound: { client: ['registered', 'unregistered'] },
  promises: { client: ['connect ClosedChannelError'] },
  closing: { client: ['closeFuture', 'close ok', 'unregistered', 'removed'] },
}

/** The client closes in its first callbacks. */
function clientClosedEarly(event: EventName, run: (client: Side) => void, client: Logs): Scenario {
  return {
    id: `client-close-in-${event}`,
    behaviour: `close() inside ${event} of a client ends the connection once`,
    async run(cell) {
      const side = cell.side('client', { on: { [event]: run } })
      await connectAndEnd(cell, side)
      await cell.connectAsUsual()
    },
    expected: client,
  }
}

/** The server sees a connection, or none: that depends on the kernel and is in no log. */
async function connectAndEnd(cell: Cell, client: Side): Promise<void> {
  const listener = await cell.listen(() => cell.unlogged('server'))
  await client.settled(cell.connect(client, cell.addressOf(listener)))
  await client.ended
}

const writeListener: Scenario = {
  id: 'close-in-write-listener',
  behaviour: 'close() inside the listener of a write fails the writes behind it and delivers this one',
  async run(cell) {
    const { server, client } = await cell.pair()
    const written = server.write('delivered')
    written.addListener(() => server.close())
    server.channel.flush()
    // Closed by now, or soon, depending on when the transport completes a write: it fails either way.
    server.write('unflushed')
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life(), client: life('read delivered') },
    promises: { server: ['write delivered ok', 'write unflushed ClosedChannelError'], client: ['connect ok'] },
    closing: { server: CLOSED_HERE, client: CLOSED_THERE },
  },
}

type OutboundName = 'write' | 'flush' | 'read'

/** close() in an outbound method, behind passing the operation on, when the server has read `go`. */
function insideOutbound(name: OutboundName, expected: Logs, differs: readonly Difference[] = []): Scenario {
  return {
    id: `close-in-outbound-${name}`,
    behaviour: `close() inside a handler's ${name}() ends the connection once`,
    async run(cell) {
      let armed = false
      const closeOnce = (): void => {
        if (armed) server.close()
        armed = false
      }
      const closing: ChannelHandler = {
        write(ctx, msg, promise) {
          ctx.write(msg, promise)
          if (name === 'write') closeOnce()
        },
        flush(ctx) {
          ctx.flush()
          if (name === 'flush') closeOnce()
        },
        read(ctx) {
          ctx.read()
          if (name === 'read') closeOnce()
        },
      }
      const { server, client } = await cell.pair({
        below: () => [closing],
        on: {
          read: (side) => {
            armed = true
            if (name === 'read') side.ctx.read()
            else side.send('answer')
          },
        },
      })
      client.send('go')
      await Promise.all([server.ended, client.ended])
    },
    expected,
    differs,
  }
}

const connectListener: Scenario = {
  id: 'close-in-connect-listener',
  behaviour: 'close() inside the listener of the connect is followed by channelActive and channelInactive all the same',
  async run(cell) {
    const server = cell.side('server')
    const client = cell.side('client')
    const listener = await cell.listen(() => server)
    cell.connect(client, cell.addressOf(listener)).addListener(() => client.close())
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const closeFutureListener: Scenario = {
  id: 'close-in-close-listener',
  behaviour: 'close(), write and flush inside the listener of closeFuture change nothing: the write fails and the channel ends once',
  async run(cell) {
    const { server, client } = await cell.pair({
      on: { active: (side) => side.channel.closeFuture.addListener(() => (side.send('too late'), side.close('close again'))) },
    })
    server.close()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { server: ['write too late ClosedChannelError'], client: ['connect ok'] },
    closing: { server: ['closeFuture', 'close again ok', 'close ok', 'inactive', 'unregistered', 'removed'], client: CLOSED_THERE },
  },
}

export const CLOSE_INSIDE: readonly Scenario[] = [
  closedEarly('handlerAdded', { inbound: ['registered', 'inactive', 'unregistered'], closing: [...CLOSED_HERE] }, true),
  closedEarly('registered', { inbound: ['registered', 'inactive', 'unregistered'], closing: [...CLOSED_HERE] }, false),
  closedEarly('active', { inbound: [...life()], closing: [...CLOSED_HERE] }, false),
  ...CALLBACKS.map(insideCallback),
  clientClosedEarly('handlerAdded', (side) => side.close(), NEVER_CONNECTED),
  clientClosedEarly('registered', (side) => side.close(), NEVER_CONNECTED),
  clientClosedEarly('active', (side) => side.close(), {
    inbound: { client: life() },
    promises: { client: ['connect ok'] },
    closing: { client: CLOSED_HERE },
  }),
  insideOutbound('write', {
    inbound: { server: life('read go'), client: life() },
    promises: { server: ['write answer ClosedChannelError'], client: ['connect ok', 'write go ok'] },
    closing: { server: CLOSED_HERE, client: CLOSED_THERE },
  }),
  insideOutbound(
    'flush',
    {
      inbound: { server: life('read go'), client: life('read answer') },
      promises: { server: ['write answer ok'], client: ['connect ok', 'write go ok'] },
      closing: { server: CLOSED_HERE, client: CLOSED_THERE },
    },
  ),
  insideOutbound('read', {
    inbound: { server: life('read go'), client: life() },
    promises: { client: ['connect ok', 'write go ok'] },
    closing: { server: CLOSED_HERE, client: CLOSED_THERE },
  }),
  writeListener,
  connectListener,
  closeFutureListener,
]
