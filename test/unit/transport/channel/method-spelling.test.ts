import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ChannelHandler, EmbeddedChannel } from '@knotty/transport'
import { METHOD_NAMES } from '../../../../../packages/transport/dist/channel/dispatch-table.js'
import { meantEvent, misspeltEvent } from '../../../../../packages/transport/dist/channel/method-spelling.js'
import { messagesOf, recordLogs } from './recorded-logs.js'

const ignore = (): void => undefined

function add(handler: object): void {
  void new EmbeddedChannel(handler as ChannelHandler)
}

describe('misspelt event methods', () => {
  for (const [name, event] of [
    ['chanelRead', 'channelRead'],
    ['channelread', 'channelRead'],
    ['ChannelRead', 'channelRead'],
    ['channelRaed', 'channelRead'],
    ['channelReed', 'channelRead'],
    ['chanellRead', undefined],
    ['channelActiv', 'channelActive'],
    ['chanelInactive', 'channelInactive'],
    ['channelReadCompleted', undefined],
    ['channelReadcomplete', 'channelReadComplete'],
    ['exceptionCought', 'exceptionCaught'],
    ['exeptionCaught', 'exceptionCaught'],
    ['userEventTrigered', 'userEventTriggered'],
    ['channelWritabiltyChanged', 'channelWritabilityChanged'],
    ['disconect', 'disconnect'],
    ['deregiser', 'deregister'],
    ['handlerAddded', 'handlerAdded'],
  ] as const) {
    test(`${name} ${event === undefined ? 'is none' : `is meant to be ${event}`}`, () => {
      assert.equal(misspeltEvent(name, METHOD_NAMES), event)
    })
  }

  test('ordinary names, and the events themselves, are none', () => {
    const ordinary = [
      'channelRead0', 'handlerRemoved0', 'handlerAdded0', '_channelRead', 'onChannelRead', 'channelReads', 'channelReady', 'channelReadable',
      'encode', 'decode', 'decodeLast', 'writeAll', 'closed', 'closes', 'reads', 'reader', 'flushAll', 'flushed', 'connected', 'connects',
      'bound', 'binds', 'written', 'writes', 'write0', 'reconnect', 'disconnected', 'register', 'registered', 'deregistered', 'channelIdle',
      'channelClosed', 'channelOpen', 'channels', 'exception', 'exceptions', 'userEvent', 'handler', 'handlers', 'constructor', 'toString',
      'initChannel', 'acceptInboundMessage', 'allocateBuffer', 'handlerReplaced', 'channelDeregistered', 'channelActivated',
    ]
    for (const name of [...ordinary, ...METHOD_NAMES]) assert.equal(misspeltEvent(name, METHOD_NAMES), undefined, name)
  })

  test('of a class are warned about once, also when they are inherited', (t) => {
    const logs = recordLogs(t)
    class Base {
      chanelActive(): void {}
    }
    class Misspelt extends Base {
      channelReadComplte(): void {}
      channelRead0(): void {}
    }
    for (let i = 0; i < 3; i++) add(new Misspelt())
    assert.deepEqual(messagesOf(logs, 'warn').sort(), [
      'Misspelt.chanelActive() is never called by a pipeline: is channelActive() meant? (told once)',
      'Misspelt.channelReadComplte() is never called by a pipeline: is channelReadComplete() meant? (told once)',
    ])
  })

  test('of an object literal, and in fields, are warned about once', (t) => {
    const logs = recordLogs(t)
    class WithField {
      exceptionCaugth = ignore
    }
    for (let i = 0; i < 3; i++) {
      add({ chanelRead: ignore })
      add(new WithField())
    }
    assert.deepEqual(messagesOf(logs, 'warn'), [
      'Handler.chanelRead() is never called by a pipeline: is channelRead() meant? (told once)',
      'WithField.exceptionCaugth() is never called by a pipeline: is exceptionCaught() meant? (told once)',
    ])
  })

  test('properties that are no methods are not warned about, and getters are not called', (t) => {
    const logs = recordLogs(t)
    class Careful {
      handlerAded = 1
      get chanelRead(): never {
        throw new Error('called')
      }
    }
    add(new Careful())
    add({
      get chanelInactive(): never {
        throw new Error('called')
      },
    })
    assert.deepEqual(logs, [])
  })
})

test('of 10,000 names at most it is remembered what they mean; others are not looked at', () => {
  assert.equal(meantEvent('chanelRead', METHOD_NAMES), 'channelRead')
  for (let index = 0; index < 10_000; index++) meantEvent(`field${index}`, METHOD_NAMES)
  assert.equal(meantEvent('chanelRead', METHOD_NAMES), 'channelRead')
  assert.equal(meantEvent('channelReed', METHOD_NAMES), undefined)
})
