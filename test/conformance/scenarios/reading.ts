import type { Cell, Pair } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'
import type { Side } from '../side.js'

/** Long enough for a transport to deliver what it wrongly would. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Sends a text that nobody may read yet. */
async function sendUnread({ client, server }: Pair, text: string): Promise<void> {
  await client.send(text)
  await turns()
  server.log('inbound', `${text} waits`)
}

async function sendRead({ client, server }: Pair, text: string): Promise<void> {
  client.send(text)
  await server.seen(`read ${text}`)
}

const manualCounting: Scenario = {
  id: 'read-counting',
  behaviour: 'with AUTO_READ off one read() brings one message that came after the one before was received, and never more',
  async run(cell) {
    const pair = await cell.pair({ reading: 'never' })
    const { server } = pair
    for (const text of ['one', 'two', 'three']) {
      server.ctx.read()
      await sendRead(pair, text)
    }
    await sendUnread(pair, 'four')
    server.ctx.read()
    await server.seen('read four')
    await sendUnread(pair, 'five')
    server.channel.read()
    await server.seen('read five')
    server.ctx.read()
    await cell.finish(pair)
  },
  expected: {
    inbound: {
      server: life('read one', 'read two', 'read three', 'four waits', 'read four', 'five waits', 'read five'),
      client: life(),
    },
    promises: { client: ['connect ok', ...['one', 'two', 'three', 'four', 'five'].map((text) => `write ${text} ok`)] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const readsCoalesce: Scenario = {
  id: 'reads-coalesce',
  behaviour: 'several read() calls before anything has come ask for one read',
  async run(cell) {
    const pair = await cell.pair({ reading: 'never' })
    const { server } = pair
    for (let call = 0; call < 3; call++) server.ctx.read()
    await sendRead(pair, 'one')
    await sendUnread(pair, 'two')
    server.ctx.read()
    await server.seen('read two')
    server.ctx.read()
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read one', 'two waits', 'read two'), client: life() },
    promises: { client: ['connect ok', 'write one ok', 'write two ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const autoReadOn = (side: Side): void => void (side.channel.config.autoRead = true)
const autoReadOff = (side: Side): void => void (side.channel.config.autoRead = false)

/** In both modes: AUTO_READ on from channelActive, and the recorder leaves read() to the scenario. */
function ownReading(cell: Cell, read: (side: Side, text: string) => void): Promise<Pair> {
  return cell.pair({ reading: 'own', on: { active: autoReadOn, read } })
}

const toggled: Scenario = {
  id: 'auto-read-toggled',
  behaviour: 'AUTO_READ that is set off inside channelRead lets nothing more through until it is on again or read() is called',
  async run(cell) {
    const pair = await ownReading(cell, (side, text) => {
      if (text.startsWith('off')) autoReadOff(side)
      if (text === 'off and on') autoReadOn(side)
      if (text === 'off, once more') side.ctx.read()
    })
    const { server } = pair
    await sendRead(pair, 'off')
    await sendUnread(pair, 'one')
    autoReadOn(server)
    await server.seen('read one')
    await sendRead(pair, 'off and on')
    await sendRead(pair, 'two')
    await sendRead(pair, 'off, once more')
    await sendRead(pair, 'three')
    await sendUnread(pair, 'four')
    server.ctx.read()
    await server.seen('read four')
    await sendUnread(pair, 'five')
    autoReadOn(server)
    await server.seen('read five')
    await cell.finish(pair)
  },
  expected: {
    inbound: {
      server: life(
        'read off',
        'one waits',
        'read one',
        'read off and on',
        'read two',
        'read off, once more',
        'read three',
        'four waits',
        'read four',
        'five waits',
        'read five',
      ),
      client: life(),
    },
    promises: {
      client: [
        'connect ok',
        ...['off', 'one', 'off and on', 'two', 'off, once more', 'three', 'four', 'five'].map((text) => `write ${text} ok`),
      ],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const stalledEnd: Scenario = {
  id: 'end-found-by-read',
  behaviour: 'with AUTO_READ off the end of the stream is found by read(), behind the bytes that were not read yet',
  async run(cell) {
    const { server, client } = await cell.pair({ reading: 'never' })
    await client.send('last words')
    client.close()
    await client.ended
    server.ctx.read()
    await server.seen('read last words')
    server.ctx.read()
    await server.ended
  },
  expected: {
    inbound: { server: life('read last words'), client: life() },
    promises: { client: ['connect ok', 'write last words ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const autoReadBeforeActive: Scenario = {
  id: 'auto-read-off-in-active',
  behaviour: 'AUTO_READ that is set off in channelActive lets nothing through, and on again everything',
  async run(cell) {
    const pair = await cell.pair({ reading: 'own', on: { active: autoReadOff } })
    await sendUnread(pair, 'one')
    autoReadOn(pair.server)
    await pair.server.seen('read one')
    await sendRead(pair, 'two')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('one waits', 'read one', 'read two'), client: life() },
    promises: { client: ['connect ok', 'write one ok', 'write two ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

export const READING: readonly Scenario[] = [manualCounting, readsCoalesce, toggled, autoReadBeforeActive, stalledEnd]
