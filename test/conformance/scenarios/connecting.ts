import { ChannelOption } from '@knotty/transport'
import { option } from '../../support/tcp.js'
import type { Cell } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'

/** What a channel shows that was registered and never connected. */
const NEVER_ACTIVE = { client: ['registered', 'unregistered'] }
const ENDED_INACTIVE = ['closeFuture', 'unregistered', 'removed']

const refused: Scenario = {
  id: 'connect-refused',
  behaviour: 'a connect that nobody answers fails with ECONNREFUSED and closes the channel, which never was active',
  async run(cell) {
    const client = cell.side('client')
    await client.settled(cell.connect(client, await cell.kit.refusedAddress()))
    await client.ended
    await cell.connectAsUsual()
  },
  expected: { inbound: NEVER_ACTIVE, promises: { client: ['connect ECONNREFUSED'] }, closing: { client: ENDED_INACTIVE } },
}

const timeout: Scenario = {
  id: 'connect-timeout',
  behaviour: 'a connect that takes too long fails with ConnectTimeoutError and closes the channel',
  async run(cell) {
    const silent = silentAddress(cell)
    const client = cell.side('client', { options: [option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 20)] })
    await client.settled(cell.connect(client, silent.address, silent))
    await client.ended
    await cell.connectAsUsual()
  },
  expected: { inbound: NEVER_ACTIVE, promises: { client: ['connect ConnectTimeoutError'] }, closing: { client: ENDED_INACTIVE } },
}

const cancelBeforeStart: Scenario = {
  id: 'connect-cancelled-early',
  behaviour: 'a connect that is cancelled in the turn of the call is never begun, and its channel is closed',
  async run(cell) {
    const client = cell.side('client')
    const listener = await cell.listen(() => cell.side('server'))
    const connecting = cell.connect(client, cell.addressOf(listener))
    connecting.cancel()
    await client.ended
    await cell.connectAsUsual()
  },
  expected: { inbound: NEVER_ACTIVE, promises: { client: ['connect CancellationError'] }, closing: { client: ENDED_INACTIVE } },
}

const cancelUnderWay: Scenario = {
  id: 'connect-cancelled-late',
  behaviour: 'a connect that is cancelled while it is under way closes its channel',
  async run(cell) {
    const silent = silentAddress(cell)
    const client = cell.side('client')
    const abort = new AbortController()
    const connecting = cell.connect(client, silent.address, {
      resolver: silent.resolver,
      signal: abort.signal,
      then: () => abort.abort(new Error('enough')),
    })
    await client.settled(connecting)
    await client.ended
    await cell.connectAsUsual()
  },
  expected: { inbound: NEVER_ACTIVE, promises: { client: ['connect CancellationError'] }, closing: { client: ENDED_INACTIVE } },
}

const cancelInKernel: Scenario = {
  id: 'connect-cancelled-in-kernel',
  behaviour: 'a connect that is cancelled ahead of its answer closes its channel, also when the peer has accepted by then',
  async run(cell) {
    const client = cell.side('client')
    // Whether the server sees a short connection, or none, depends on the kernel and is in no log.
    const listener = await cell.listen(() => cell.unlogged('server'))
    const connecting = cell.connect(client, cell.addressOf(listener), { then: () => void connecting.cancel() })
    await client.settled(connecting)
    await client.ended
    await cell.connectAsUsual()
  },
  expected: { inbound: NEVER_ACTIVE, promises: { client: ['connect CancellationError'] }, closing: { client: ENDED_INACTIVE } },
}

const closeUnderWay: Scenario = {
  id: 'connect-closed',
  behaviour: 'close() while a connect is under way fails the connect with ClosedChannelError',
  async run(cell) {
    const silent = silentAddress(cell)
    const client = cell.side('client')
    await client.settled(cell.connect(client, silent.address, { resolver: silent.resolver, then: () => client.close() }))
    await client.ended
    await cell.connectAsUsual()
  },
  expected: {
    inbound: NEVER_ACTIVE,
    promises: { client: ['connect ClosedChannelError'] },
    closing: { client: ['closeFuture', 'close ok', 'unregistered', 'removed'] },
  },
}

const connectTwice: Scenario = {
  id: 'connect-twice',
  behaviour: 'a second connect of a connected channel fails and changes nothing',
  async run(cell) {
    const pair = await cell.pair()
    const { client, server } = pair
    const address = client.channel.remoteAddress
    if (address === undefined) throw new Error('the client has no remote address')
    client.channel.connect(address, undefined, client.promise('second connect'))
    client.send('still here')
    await server.seen('read still here')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read still here'), client: life() },
    promises: { client: ['connect ok', 'second connect ChannelStateError', 'write still here ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const writeBeforeActive: Scenario = {
  id: 'write-before-active',
  behaviour: 'a flush before the channel is connected fails the write with NotYetConnectedError, and later writes go out',
  async run(cell) {
    const pair = await cell.pair({}, { on: { registered: (side) => side.send('early'), active: (side) => side.send('in time') } })
    await pair.server.seen('read in time')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read in time'), client: life() },
    promises: { client: ['write early NotYetConnectedError', 'connect ok', 'write in time ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const writeBeforeActiveUnflushed: Scenario = {
  id: 'queued-before-active',
  behaviour: 'what is written before the channel is connected, and not flushed, leaves with the first flush after it',
  async run(cell) {
    const pair = await cell.pair({}, { on: { registered: (side) => side.write('queued'), active: (side) => side.channel.flush() } })
    await pair.server.seen('read queued')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read queued'), client: life() },
    promises: { client: ['connect ok', 'write queued ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const bindTaken: Scenario = {
  id: 'bind-taken',
  behaviour: 'a bind to an address that is taken fails, and the first listener goes on',
  async run(cell) {
    const server = cell.side('server')
    const listener = await cell.listen(() => server)
    const second = cell.serverBootstrap().childHandler({ isSharable: true }).bind(cell.addressOf(listener))
    const client = cell.side('client')
    await client.settled(client.track('second bind', second))
    await cell.connect(client, cell.addressOf(listener))
    await server.seen('active')
    await cell.finish({ listener, server, client })
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { client: ['second bind EADDRINUSE', 'connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

function silentAddress(cell: Cell): NonNullable<ReturnType<Cell['kit']['silentAddress']>> {
  return cell.kit.silentAddress() ?? cell.skip('its connect is over at once: none can be kept under way')
}

export const CONNECTING: readonly Scenario[] = [
  refused,
  timeout,
  cancelBeforeStart,
  cancelUnderWay,
  cancelInKernel,
  closeUnderWay,
  connectTwice,
  writeBeforeActive,
  writeBeforeActiveUnflushed,
  bindTaken,
]
