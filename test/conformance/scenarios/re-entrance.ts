import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { EventName } from '../recording-handler.js'
import type { Scenario } from '../scenario.js'
import type { Side } from '../side.js'
import { Gather } from '../stream-handlers.js'

const LETTERS = [...'abcdefghijklmnopqrst']

const writeInListener: Scenario = {
  id: 'write-in-listener',
  behaviour: 'a chain of writes, each flushed inside the listener of the one before, leaves in order',
  async run(cell) {
    const pair = await cell.pair({}, { below: () => [new Gather(LETTERS.length)] })
    const { server, client } = pair
    const send = ([letter, ...others]: readonly string[]): void => {
      if (letter !== undefined) server.send(letter).addListener(() => send(others))
    }
    send(LETTERS)
    await client.seen(`read ${LETTERS.join('')}`)
    await server.seen(`write ${LETTERS.at(-1) as string} ok`)
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life(), client: life(`read ${LETTERS.join('')}`) },
    promises: { server: LETTERS.map((letter) => `write ${letter} ok`), client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const flushInListeners: Scenario = {
  id: 'flush-in-listeners',
  behaviour: 'a flush inside the listeners of one flush sends what they wrote, behind everything that was written before',
  async run(cell) {
    const pair = await cell.pair({}, { below: () => [new Gather(10)] })
    const { server, client } = pair
    for (const [index, letter] of LETTERS.slice(0, 5).entries()) {
      server.write(letter).addListener(() => {
        server.write(LETTERS[index + 5] as string)
        server.channel.flush()
        server.channel.flush()
      })
    }
    server.channel.flush()
    await Promise.all([client.seen('read abcdefghij'), server.seen('write j ok')])
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life(), client: life('read abcdefghij') },
    promises: { server: LETTERS.slice(0, 10).map((letter) => `write ${letter} ok`), client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const writeInCallbacks: Scenario = {
  id: 'write-in-callbacks',
  behaviour: 'writes and flushes inside every callback leave in order, and fail from the end of the channel on',
  async run(cell) {
    let completes = 0
    const pair = await cell.pair(
      {
        on: {
          handlerAdded: (side) => side.send('1'),
          registered: (side) => side.send('2'),
          active: (side) => side.send('3'),
          read: (side) => {
            side.send('4')
            side.channel.pipeline.fireUserEventTriggered('now')
            side.channel.outboundBuffer?.setUserDefinedWritability(1, false)
          },
          event: (side) => side.send('5'),
          readComplete: (side) => void (completes++ === 0 && side.send('6')),
          writability: (side) => {
            side.send('7')
            side.channel.pipeline.fireExceptionCaught(new RangeError('now'))
          },
          exception: (side) => side.send('8'),
          inactive: (side) => side.send('9'),
          unregistered: (side) => side.send('10'),
          handlerRemoved: (side) => side.send('11'),
        },
      },
      { below: () => [new Gather(1)] },
    )
    const { client } = pair
    await client.seen('read 3')
    client.send('go')
    await client.seen('read 8')
    await cell.finish(pair)
  },
  expected: {
    inbound: {
      server: life('read go', 'now', 'unwritable', 'exception RangeError'),
      client: life(...[...'12345678'].map((text) => `read ${text}`)),
    },
    promises: {
      server: [
        ...[...'12345678'].map((text) => `write ${text} ok`),
        ...['9', '10', '11'].map((text) => `write ${text} ClosedChannelError`),
      ],
      client: ['connect ok', 'write go ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const READ_CALLS: readonly EventName[] = [
  'handlerAdded',
  'registered',
  'active',
  'read',
  'readComplete',
  'event',
  'writability',
  'exception',
  'inactive',
  'unregistered',
]

const readInCallbacks: Scenario = {
  id: 'read-in-callbacks',
  behaviour: 'read() inside every callback, twice each and in listeners too, brings each message once',
  async run(cell) {
    const readTwice = (side: Side): void => void (side.ctx.read(), side.ctx.read())
    const pair = await cell.pair({
      on: {
        ...Object.fromEntries(READ_CALLS.map((event) => [event, readTwice])),
        read: (side, text) => {
          readTwice(side)
          if (text === 'two') side.channel.pipeline.fireUserEventTriggered('now')
          if (text === 'three') side.channel.pipeline.fireExceptionCaught(new RangeError('now'))
          side.send(text).addListener(() => readTwice(side))
        },
      },
    })
    for (const text of ['one', 'two', 'three', 'four']) {
      pair.client.send(text)
      await pair.client.seen(`read ${text}`)
    }
    await cell.finish(pair)
  },
  expected: {
    inbound: {
      server: life('read one', 'read two', 'now', 'read three', 'exception RangeError', 'read four'),
      client: life('read one', 'read two', 'read three', 'read four'),
    },
    promises: {
      server: ['write one ok', 'write two ok', 'write three ok', 'write four ok'],
      client: ['connect ok', 'write one ok', 'write two ok', 'write three ok', 'write four ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const throwInCallbacks: Scenario = {
  id: 'throw-in-callbacks',
  behaviour: 'what a handler throws in a callback comes to its own exceptionCaught, and the channel goes on',
  async run(cell) {
    let completes = 0
    const fault = (): never => {
      throw new RangeError('from a callback')
    }
    const pair = await cell.pair({
      on: {
        registered: fault,
        active: fault,
        read: (side, text) => {
          side.send(text)
          if (text === 'two') side.channel.pipeline.fireUserEventTriggered('now')
          if (text === 'three') side.channel.outboundBuffer?.setUserDefinedWritability(1, false)
          if (text === 'one') fault()
        },
        readComplete: () => void (completes++ === 0 && fault()),
        event: fault,
        writability: fault,
        inactive: fault,
        unregistered: fault,
      },
    })
    for (const text of ['one', 'two', 'three']) {
      pair.client.send(text)
      await pair.client.seen(`read ${text}`)
    }
    await pair.server.seen('unwritable')
    await cell.finish(pair)
  },
  expected: {
    inbound: {
      server: [
        'registered',
        'exception RangeError',
        'active',
        'exception RangeError',
        'read one',
        'exception RangeError',
        'exception RangeError',
        'read two',
        'now',
        'exception RangeError',
        'read three',
        'unwritable',
        'exception RangeError',
        'inactive',
        'exception RangeError',
        'unregistered',
        'exception RangeError',
      ],
      client: life('read one', 'read two', 'read three'),
    },
    promises: {
      server: ['write one ok', 'write two ok', 'write three ok'],
      client: ['connect ok', 'write one ok', 'write two ok', 'write three ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

export const RE_ENTRANCE: readonly Scenario[] = [writeInListener, flushInListeners, writeInCallbacks, readInCallbacks, throwInCallbacks]
