import type { EventLoopGroup } from '@knotty/transport'
import type { Cell } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'

/** The server's channel leaves its loop, a message comes, and `group` takes it. */
async function registeredAgain(cell: Cell, group: EventLoopGroup): Promise<void> {
  const pair = await cell.pair({ on: { read: (side, text) => side.send(text) } })
  const { server, client } = pair
  client.send('before')
  await client.seen('read before')
  await server.track('deregister', server.channel.deregister())
  await client.send('meanwhile')
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  server.log('inbound', `registered: ${server.channel.isRegistered}, active: ${server.channel.isActive}`)
  await server.track('register', group.register(server.channel))
  await client.seen('read meanwhile')
  client.send('after')
  await client.seen('read after')
  await cell.finish(pair)
}

const EXPECTED_AGAIN: Scenario['expected'] = {
  inbound: {
    server: life('read before', 'unregistered', 'registered: false, active: true', 'registered', 'read meanwhile', 'read after'),
    client: life('read before', 'read meanwhile', 'read after'),
  },
  promises: {
    server: ['write before ok', 'deregister ok', 'register ok', 'write meanwhile ok', 'write after ok'],
    client: ['connect ok', 'write before ok', 'write meanwhile ok', 'write after ok'],
  },
  closing: { server: CLOSED_THERE, client: CLOSED_HERE },
}

const again: Scenario = {
  id: 'deregister',
  behaviour: 'a channel that is deregistered reads nothing; registered again it reads what came, and is not told it is active',
  run: (cell) => registeredAgain(cell, cell.group),
  expected: EXPECTED_AGAIN,
}

const otherGroup: Scenario = {
  id: 'deregister-other-group',
  behaviour: 'a channel that is deregistered goes on with the loop of another group',
  run: (cell) => registeredAgain(cell, cell.scope.group()),
  expected: EXPECTED_AGAIN,
}

const ROUNDS = ['one', 'two']

const insideRead: Scenario = {
  id: 'deregister-in-read',
  behaviour: 'deregister() inside channelRead takes effect in a later task; registered again in its listener the channel loses nothing',
  async run(cell) {
    const pair = await cell.pair({
      on: {
        read: (side, text) => {
          side.send(text)
          if (text !== 'go') return
          const { channel } = side
          side.track('deregister', channel.deregister()).addListener(() => side.track('register', cell.group.register(channel)))
          side.log('inbound', `registered: ${channel.isRegistered}`)
        },
      },
    })
    const { client } = pair
    for (const [round, text] of ROUNDS.entries()) {
      client.send('go')
      await client.seen('read go', round + 1)
      client.send(text)
      await client.seen(`read ${text}`)
    }
    await cell.finish(pair)
  },
  expected: {
    inbound: {
      server: life(
        ...ROUNDS.flatMap((text) => ['read go', 'registered: true', 'unregistered', 'registered', `read ${text}`]),
      ),
      client: life('read go', 'read one', 'read go', 'read two'),
    },
    promises: {
      server: ROUNDS.flatMap((text) => ['write go ok', 'deregister ok', 'register ok', `write ${text} ok`]),
      client: ['connect ok', 'write go ok', 'write one ok', 'write go ok', 'write two ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const closeRace: Scenario = {
  id: 'deregister-and-close',
  // As in Netty: the task of deregister() comes first, finds the channel closed and tears its pipeline down, so that channelInactive
  // meets no handler any more.
  behaviour: 'deregister() and close() in one turn end the channel once, with channelUnregistered as the last event',
  async run(cell) {
    const { server, client } = await cell.pair()
    server.track('deregister', server.channel.deregister())
    server.close()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: ['registered', 'active', 'unregistered'], client: life() },
    promises: { server: ['deregister ok'], client: ['connect ok'] },
    closing: { server: ['closeFuture', 'close ok', 'unregistered', 'removed'], client: CLOSED_THERE },
  },
}

export const DEREGISTRATION: readonly Scenario[] = [again, otherGroup, insideRead, closeRace]
