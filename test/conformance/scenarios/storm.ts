import assert from 'node:assert/strict'
import type { Channel } from '@knotty/transport'
import type { Cell } from '../cell.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'
import type { Side } from '../side.js'

const CONNECTIONS = 10_000
const AT_A_TIME = 100

/** One connection: a message, its echo, and the end, by the client after `a` and by the server after `b`. */
async function oneConnection(cell: Cell, listener: Channel, text: 'a' | 'b'): Promise<Side> {
  const client = cell.unlogged('client', {
    on: {
      active: (side) => side.send(text),
      read: (side) => void (text === 'a' && side.close()),
    },
  })
  await cell.connect(client, cell.addressOf(listener))
  await client.ended
  return client
}

async function connectAll(cell: Cell, listener: Channel): Promise<Side[]> {
  const clients: Side[] = []
  let started = 0
  const worker = async (): Promise<void> => {
    while (started < CONNECTIONS) clients.push(await oneConnection(cell, listener, started++ % 2 === 0 ? 'a' : 'b'))
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  return clients
}

/** How many sides have which log. */
function summary(sides: readonly Side[], log: 'inbound' | 'promises' | 'closing'): string[] {
  const counts = new Map<string, number>()
  for (const side of sides) {
    const lines = side[log].join(', ')
    counts.set(lines, (counts.get(lines) ?? 0) + 1)
  }
  return [...counts].map(([lines, count]) => `${count} x ${lines}`).sort()
}

function half(...kinds: readonly (readonly string[])[]): string[] {
  return kinds.map((lines) => `${CONNECTIONS / 2} x ${lines.join(', ')}`).sort()
}

const storm: Scenario = {
  id: 'storm',
  behaviour: '10,000 short connections, 100 at a time, each see the same events and leave nothing behind',
  async run(cell) {
    const accepted: Side[] = []
    const listener = await cell.listen(() => {
      const server = cell.unlogged('server', {
        on: {
          read: (side, text) => {
            const echo = side.send(text)
            if (text === 'b') echo.addListener(() => side.close())
          },
        },
      })
      accepted.push(server)
      return server
    })
    const clients = await connectAll(cell, listener)
    await Promise.all(accepted.map((each) => each.ended))
    for (const [label, sides] of [['server', accepted], ['client', clients]] as const) {
      const all = cell.side(label)
      for (const log of ['inbound', 'promises', 'closing'] as const) for (const line of summary(sides, log)) all.log(log, line)
      assert.ok(sides.every((side) => side.pending.size === 0), 'operations never completed')
    }
  },
  expected: {
    inbound: { server: half(life('read a'), life('read b')), client: half(life('read a'), life('read b')) },
    promises: { server: half(['write a ok'], ['write b ok']), client: half(['connect ok', 'write a ok'], ['connect ok', 'write b ok']) },
    closing: { server: half(CLOSED_HERE, CLOSED_THERE), client: half(CLOSED_HERE, CLOSED_THERE) },
  },
  deadlineMs: 30_000,
}

export const STORM: readonly Scenario[] = [storm]
