import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'

const ROUNDS = ['one', 'two', 'three', 'four', 'five']

const echo: Scenario = {
  id: 'echo',
  behaviour: 'messages sent back and forth arrive one by one, each write completes, and both ends close in order',
  async run(cell) {
    const pair = await cell.pair({ on: { read: (side, text) => side.send(text) } })
    for (const text of ROUNDS) {
      pair.client.send(text)
      await pair.client.seen(`read ${text}`)
    }
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life(...ROUNDS.map((text) => `read ${text}`)), client: life(...ROUNDS.map((text) => `read ${text}`)) },
    promises: { server: ROUNDS.map((text) => `write ${text} ok`), client: ['connect ok', ...ROUNDS.map((text) => `write ${text} ok`)] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

export const MESSAGES: readonly Scenario[] = [echo]
