import { ChannelOption } from '@knotty/transport'
import { option } from '../../support/tcp.js'
import type { Cell } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'
import type { SideOptions } from '../side.js'

const HALF: SideOptions = { options: [option(ChannelOption.ALLOW_HALF_CLOSURE, true)] }
const SIDES = ['client', 'server'] as const
type SideName = (typeof SIDES)[number]

/** `first` ends its output; the other end answers, then ends its own. */
async function halfClosed(cell: Cell, first: SideName): Promise<void> {
  const pair = await cell.pair(HALF, HALF)
  const ending = pair[first]
  const other = pair[otherThan(first)]
  ending.send('last')
  ending.shutdownOutput()
  await other.seen('input shutdown read complete')
  other.send('answer')
  await ending.seen('read answer')
  other.send('more')
  await ending.seen('read more')
  other.shutdownOutput()
  await Promise.all([ending.ended, other.ended])
}

function halfClosure(first: SideName): Scenario {
  const other = otherThan(first)
  const connected: Record<SideName, readonly string[]> = { server: [], client: ['connect ok'] }
  return {
    id: `half-close-${first}-first`,
    behaviour: `with ALLOW_HALF_CLOSURE the ${first} may end its output first and still reads; when both have, both channels close`,
    run: (cell) => halfClosed(cell, first),
    expected: {
      inbound: {
        [first]: life('output shutdown', 'read answer', 'read more', 'input shutdown', 'input shutdown read complete'),
        [other]: life('read last', 'input shutdown', 'input shutdown read complete', 'output shutdown'),
      },
      promises: {
        [first]: [...connected[first], 'write last ok', 'shutdownOutput ok'],
        [other]: [...connected[other], 'write answer ok', 'write more ok', 'shutdownOutput ok'],
      },
      closing: { [first]: CLOSED_THERE, [other]: CLOSED_THERE },
    },
  }
}

function fullClosure(first: SideName): Scenario {
  const other = otherThan(first)
  const connected: Record<SideName, readonly string[]> = { server: [], client: ['connect ok'] }
  return {
    id: `full-close-${first}-first`,
    behaviour: `without ALLOW_HALF_CLOSURE the end of the ${first}'s output closes both ends, behind its last bytes`,
    async run(cell) {
      const pair = await cell.pair()
      pair[first].send('last')
      pair[first].shutdownOutput()
      await Promise.all([pair.server.ended, pair.client.ended])
    },
    expected: {
      inbound: { [first]: life('output shutdown'), [other]: life('read last') },
      promises: { [first]: [...connected[first], 'write last ok', 'shutdownOutput ok'], [other]: connected[other] },
      closing: { [first]: CLOSED_THERE, [other]: CLOSED_THERE },
    },
  }
}

const shutdownWithPending: Scenario = {
  id: 'shutdown-output-pending',
  behaviour: 'shutdownOutput() fails what a stalled peer has not let go, in order; input goes on and the peer finds the end of the stream',
  async run(cell) {
    const pair = await cell.pair({}, { reading: 'never', quiet: true })
    const { server, client } = pair
    server.send(new Uint8Array(cell.kit.stallBytes), 'much')
    server.send('flushed')
    server.write('unflushed')
    const shutdown = server.shutdownOutput()
    server.send('late')
    client.send('still heard')
    await server.seen('read still heard')
    client.channel.config.autoRead = true
    await server.settled(shutdown)
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('unwritable', 'output shutdown', 'read still heard'), client: life() },
    promises: {
      server: [
        'write much ChannelOutputShutdownError',
        'write flushed ChannelOutputShutdownError',
        'write unflushed ChannelOutputShutdownError',
        'write late ClosedChannelError',
        'shutdownOutput ok',
      ],
      client: ['connect ok', 'write still heard ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_THERE },
  },
}

const shutdownBehindMuch: Scenario = {
  id: 'shutdown-output-behind',
  behaviour: 'shutdownOutput() inside the listener of a large write comes behind its last byte',
  async run(cell) {
    const pair = await cell.pair(HALF, {
      ...HALF,
      quiet: true,
      on: { event: (side) => side.log('inbound', `all bytes came: ${side.bytes === cell.kit.stallBytes}`) },
    })
    const { server, client } = pair
    server.send(new Uint8Array(cell.kit.stallBytes), 'much').addListener(() => server.shutdownOutput())
    await client.seen('input shutdown read complete')
    await cell.finish(pair)
  },
  expected: {
    inbound: {
      // The second time tells that the pending bytes are gone; the output is shut down by then, and so not writable. Netty does the same.
      server: life('unwritable', 'output shutdown', 'unwritable', 'input shutdown', 'input shutdown read complete'),
      client: life('input shutdown', 'all bytes came: true', 'input shutdown read complete', 'all bytes came: true'),
    },
    promises: { server: ['write much ok', 'shutdownOutput ok'], client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
  differs: [
    {
      transports: ['local'],
      why: 'a peer that reads takes it whole at once: the write is over before its listener is added',
      expected: { inbound: { server: life('unwritable', 'writable', 'output shutdown', 'input shutdown', 'input shutdown read complete') } },
    },
  ],
}

const shutdownTwice: Scenario = {
  id: 'shutdown-output-twice',
  behaviour: 'a second shutdownOutput() fails and fires nothing',
  async run(cell) {
    const pair = await cell.pair(HALF, HALF)
    await pair.client.shutdownOutput()
    await pair.client.settled(pair.client.shutdownOutput())
    await pair.server.seen('input shutdown read complete')
    pair.server.close()
    await Promise.all([pair.server.ended, pair.client.ended])
  },
  expected: {
    inbound: {
      server: life('input shutdown', 'input shutdown read complete'),
      client: life('output shutdown', 'input shutdown', 'input shutdown read complete'),
    },
    promises: { client: ['connect ok', 'shutdownOutput ok', 'shutdownOutput ClosedChannelError'] },
    closing: { server: CLOSED_HERE, client: CLOSED_THERE },
  },
}

const shutdownInput: Scenario = {
  id: 'shutdown-input',
  behaviour: 'shutdownInput() discards what comes, is told once, leaves the output alone and still finds the end',
  async run(cell) {
    const { server, client } = await cell.pair()
    client.send('heard')
    await server.seen('read heard')
    server.track('shutdownInput', server.channel.shutdownInput())
    server.track('shutdownInput again', server.channel.shutdownInput())
    await client.send('not heard')
    server.send('answer')
    await client.seen('read answer')
    client.close()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('read heard', 'input shutdown'), client: life('read answer') },
    promises: {
      server: ['shutdownInput ok', 'shutdownInput again ok', 'write answer ok'],
      client: ['connect ok', 'write heard ok', 'write not heard ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

function otherThan(side: SideName): SideName {
  return side === 'client' ? 'server' : 'client'
}

export const HALF_CLOSURE: readonly Scenario[] = [
  ...SIDES.map(halfClosure),
  ...SIDES.map(fullClosure),
  shutdownWithPending,
  shutdownBehindMuch,
  shutdownTwice,
  shutdownInput,
]
