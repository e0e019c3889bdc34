import { type Channel, type ChannelHandler, type ChannelHandlerContext } from '@knotty/transport'
import { CLOSED_HERE, CLOSED_THERE, life, type Logs } from '../logs.js'
import type { Scenario } from '../scenario.js'
import type { Side } from '../side.js'

/** Records the events of a listening channel and lets its messages, the accepted channels, pass. */
class ListenerRecorder implements ChannelHandler {
  private readonly side: Side

  constructor(side: Side) {
    this.side = side
  }

  handlerRemoved(): void {
    this.side.log('closing', 'removed')
  }

  channelRegistered(ctx: ChannelHandlerContext): void {
    this.side.log('inbound', 'registered')
    ctx.fireChannelRegistered()
  }

  channelActive(ctx: ChannelHandlerContext): void {
    this.side.log('inbound', 'active')
    ctx.fireChannelActive()
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.side.log('inbound', `read an accepted channel, registered: ${(msg as Channel).isRegistered}`)
    ctx.fireChannelRead(msg)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.side.log('inbound', 'inactive')
    this.side.log('closing', 'inactive')
    ctx.fireChannelInactive()
  }

  channelUnregistered(ctx: ChannelHandlerContext): void {
    this.side.log('inbound', 'unregistered')
    this.side.log('closing', 'unregistered')
    ctx.fireChannelUnregistered()
  }
}

const listening: Scenario = {
  id: 'listener',
  behaviour: 'a server channel is told of each accepted channel; when it closes, accepted channels go on and nobody can connect',
  async run(cell) {
    const own = cell.side('listener')
    const server = cell.side('server', { on: { read: (side, text) => side.send(text) } })
    const client = cell.side('client')
    const listener = await cell.listen(() => server, { handler: new ListenerRecorder(own) })
    const address = cell.addressOf(listener)
    await cell.connect(client, address)
    await server.seen('active')
    listener.closeFuture.addListener(() => own.log('closing', 'closeFuture'))
    own.track('close', listener.close(), 'closing')
    await own.ended
    const late = cell.unlogged('late')
    const refused = cell.connect(late, address)
    await late.settled(refused)
    own.log('inbound', `later connect: ${refused.isSuccess ? 'succeeds' : 'fails'}`)
    await late.ended
    client.send('still here')
    await client.seen('read still here')
    await cell.finish({ listener, server, client })
  },
  expected: {
    inbound: {
      listener: [
        'registered',
        'active',
        'read an accepted channel, registered: false',
        'inactive',
        'unregistered',
        'later connect: fails',
      ],
      server: life('read still here'),
      client: life('read still here'),
    },
    promises: { server: ['write still here ok'], client: ['connect ok', 'write still here ok'] },
    closing: { listener: CLOSED_HERE, server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const closeInBindListener: Scenario = {
  id: 'close-in-bind-listener',
  behaviour: 'close() inside the listener of the bind is followed by channelActive and channelInactive all the same',
  async run(cell) {
    const own = cell.side('listener')
    const binding = cell
      .serverBootstrap()
      .handler(new ListenerRecorder(own))
      .childHandler(() => undefined)
      .bind(cell.kit.bindAddress())
    const { channel } = binding
    channel.closeFuture.addListener(() => own.log('closing', 'closeFuture'))
    own.track('bind', binding).addListener(() => own.track('close', channel.close(), 'closing'))
    await own.ended
    await cell.connectAsUsual()
  },
  expected: {
    inbound: { listener: ['registered', 'active', 'inactive', 'unregistered'] },
    promises: { listener: ['bind ok'] },
    closing: { listener: CLOSED_HERE },
  },
}

const asyncInitializer: Scenario = {
  id: 'async-initializer',
  behaviour: 'an async initializer of accepted channels holds back every event, and bytes that came meanwhile are read after it',
  async run(cell) {
    let initialized = (): void => undefined
    const waiting = new Promise<void>((resolve) => (initialized = resolve))
    const server = cell.side('server')
    const client = cell.side('client')
    const listener = await cell.listen(() => server, {
      initialize: async (attach) => {
        attach()
        await waiting
        server.log('inbound', 'initialized')
      },
    })
    await cell.connect(client, cell.addressOf(listener))
    await client.send('early')
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    initialized()
    await server.seen('read early')
    await cell.finish({ listener, server, client })
  },
  expected: {
    inbound: { server: ['initialized', ...life('read early')], client: life() },
    promises: { client: ['connect ok', 'write early ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const ENDED_BY_SERVER: Logs = {
  inbound: { client: life() },
  promises: { client: ['connect ok'] },
  closing: { client: CLOSED_THERE },
}

const initializerThrows: Scenario = {
  id: 'initializer-throws',
  behaviour: 'an initializer that throws closes the accepted connection, and other connections go on',
  async run(cell) {
    const client = cell.side('client')
    const listener = await cell.listen(() => cell.unlogged('server'), {
      initialize: () => {
        throw new RangeError('from an initializer')
      },
    })
    await cell.connect(client, cell.addressOf(listener))
    await client.ended
    await cell.connectAsUsual()
  },
  expected: ENDED_BY_SERVER,
  logsWarnings: true,
}

const handlerAddedThrows: Scenario = {
  id: 'handler-added-throws',
  behaviour: 'a handler that throws in handlerAdded closes the accepted connection, and other connections go on',
  async run(cell) {
    const client = cell.side('client')
    const server = cell.unlogged('server', {
      passExceptions: true,
      above: () => [
        {
          handlerAdded: () => {
            throw new RangeError('from handlerAdded')
          },
        },
      ],
    })
    const listener = await cell.listen(() => server)
    await cell.connect(client, cell.addressOf(listener))
    await client.ended
    await cell.connectAsUsual()
  },
  expected: ENDED_BY_SERVER,
  logsWarnings: true,
}

const addresses: Scenario = {
  id: 'addresses',
  behaviour: 'both ends know the address of the server, before and after the end',
  async run(cell) {
    const pair = await cell.pair()
    const { listener, server, client } = pair
    const note = (): void => {
      const address = String(listener.localAddress)
      server.log('inbound', `local is the server's: ${String(server.channel.localAddress) === address}`)
      client.log('inbound', `remote is the server's: ${String(client.channel.remoteAddress) === address}`)
    }
    note()
    await cell.finish(pair)
    note()
  },
  expected: {
    inbound: {
      server: [...life("local is the server's: true"), "local is the server's: true"],
      client: [...life("remote is the server's: true"), "remote is the server's: true"],
    },
    promises: { client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

export const ACCEPTING: readonly Scenario[] = [
  listening,
  closeInBindListener,
  asyncInitializer,
  initializerThrows,
  handlerAddedThrows,
  addresses,
]
