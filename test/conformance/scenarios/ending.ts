import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'

const reset: Scenario = {
  id: 'reset',
  behaviour: 'abort() ends the connection at once, and the peer finds the reset',
  async run(cell) {
    const { server, client } = await cell.pair()
    client.send('hello')
    await server.seen('read hello')
    server.write('unflushed')
    server.abort()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('read hello'), client: life('exception ECONNRESET') },
    promises: { server: ['write unflushed ClosedChannelError'], client: ['connect ok', 'write hello ok'] },
    closing: { server: ['closeFuture', 'abort ok', 'inactive', 'unregistered', 'removed'], client: CLOSED_THERE },
  },
  differs: [
    {
      transports: ['unix-libuv', 'unix-net'],
      why: 'there is no reset: the peer finds a plain end',
      expected: { inbound: { client: life() } },
    },
  ],
}

const closePending: Scenario = {
  id: 'close-pending',
  behaviour: 'close() with writes that a stalled peer holds up fails them in order, before the channel is inactive',
  async run(cell) {
    const { server, client } = await cell.pair({}, { reading: 'never', quiet: true })
    server.send(new Uint8Array(cell.kit.stallBytes), 'much')
    server.send('flushed')
    server.write('unflushed 1')
    server.write('unflushed 2')
    server.close()
    server.note('close() returned')
    server.send('late')
    await server.ended
    client.channel.config.autoRead = true
    await client.ended
  },
  expected: {
    inbound: { server: life('unwritable'), client: life() },
    promises: {
      server: [
        'write much ClosedChannelError',
        'write flushed ClosedChannelError',
        'write unflushed 1 ClosedChannelError',
        'write unflushed 2 ClosedChannelError',
        'write late ClosedChannelError',
      ],
      client: ['connect ok'],
    },
    closing: { server: CLOSED_HERE, client: CLOSED_THERE },
  },
  merged: {
    server: [
      'registered',
      'active',
      'unwritable',
      'closeFuture',
      'close ok',
      'write much ClosedChannelError',
      'write flushed ClosedChannelError',
      'write unflushed 1 ClosedChannelError',
      'write unflushed 2 ClosedChannelError',
      'close() returned',
      'write late ClosedChannelError',
      'inactive',
      'unregistered',
      'removed',
    ],
  },
}

const closeDelivers: Scenario = {
  id: 'close-delivers',
  behaviour: 'close() right behind a completed write delivers its bytes to a peer that reads later',
  async run(cell) {
    const { server, client } = await cell.pair({}, { reading: 'never' })
    await server.send('the last word')
    server.close()
    await server.ended
    client.channel.config.autoRead = true
    await client.ended
  },
  expected: {
    inbound: { server: life(), client: life('read the last word') },
    promises: { server: ['write the last word ok'], client: ['connect ok'] },
    closing: { server: CLOSED_HERE, client: CLOSED_THERE },
  },
}

const closeDeliversMuch: Scenario = {
  id: 'close-delivers-much',
  behaviour: 'close() inside the listener of a large write comes behind its last byte',
  async run(cell) {
    const { server, client } = await cell.pair(
      {},
      {
        quiet: true,
        on: { inactive: (side) => side.log('inbound', `all bytes came: ${side.bytes === cell.kit.stallBytes}`) },
      },
    )
    server.send(new Uint8Array(cell.kit.stallBytes), 'much').addListener(() => server.close())
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: {
      // The second time tells that the pending bytes are gone; the channel is closed by then, and so not writable. Netty does the same.
      server: life('unwritable', 'unwritable'),
      client: ['registered', 'active', 'inactive', 'all bytes came: true', 'unregistered'],
    },
    promises: { server: ['write much ok'], client: ['connect ok'] },
    closing: { server: CLOSED_HERE, client: CLOSED_THERE },
  },
  differs: [
    {
      transports: ['local'],
      why: 'a peer that reads takes it whole at once: the write is over before its listener is added',
      expected: { inbound: { server: life('unwritable', 'writable') } },
    },
  ],
}

const closeAfterFlush: Scenario = {
  id: 'close-after-flush',
  behaviour: 'closeAfterFlush() closes behind the last byte of what was written, to a peer that stalls first',
  async run(cell) {
    const { server, client } = await cell.pair(
      {},
      {
        reading: 'never',
        quiet: true,
        on: { inactive: (side) => side.log('inbound', `all bytes came: ${side.bytes === cell.kit.stallBytes + 4}`) },
      },
    )
    server.send(new Uint8Array(cell.kit.stallBytes), 'much')
    server.write('last')
    server.track('closeAfterFlush', server.channel.closeAfterFlush(), 'closing')
    client.channel.config.autoRead = true
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('unwritable', 'writable'), client: ['registered', 'active', 'inactive', 'all bytes came: true', 'unregistered'] },
    promises: { server: ['write much ok', 'write last ok'], client: ['connect ok'] },
    closing: { server: ['closeFuture', 'closeAfterFlush ok', 'inactive', 'unregistered', 'removed'], client: CLOSED_THERE },
  },
}

const closeTwice: Scenario = {
  id: 'close-twice',
  behaviour: 'close() a second time, during the first and after it, completes and fires nothing again',
  async run(cell) {
    const { server, client } = await cell.pair()
    client.channel.closeFuture.addListener(() => client.close('close during'))
    client.close()
    await client.ended
    client.close('close after')
    await server.ended
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { client: ['connect ok'] },
    closing: {
      server: CLOSED_THERE,
      client: ['closeFuture', 'close during ok', 'close ok', 'inactive', 'unregistered', 'removed', 'close after ok'],
    },
  },
}

const uncaught: Scenario = {
  id: 'uncaught',
  behaviour: 'an exception that nobody catches closes the channel; later writes fail',
  async run(cell) {
    const { server, client } = await cell.pair({
      passExceptions: true,
      on: {
        read: () => {
          throw new RangeError('from a handler')
        },
        inactive: (side) => side.send('too late'),
      },
    })
    client.send('hello')
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('read hello', 'exception RangeError'), client: life() },
    promises: { server: ['write too late ClosedChannelError'], client: ['connect ok', 'write hello ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_THERE },
  },
  logsWarnings: true,
}

const abortPending: Scenario = {
  id: 'abort-pending',
  behaviour: 'abort() with writes that a stalled peer holds up fails them in order and ends the connection',
  async run(cell) {
    const { server, client } = await cell.pair({}, { reading: 'never' })
    server.send(new Uint8Array(cell.kit.stallBytes), 'much')
    server.send('flushed')
    server.write('unflushed')
    server.abort()
    server.abort()
    await server.ended
    client.close()
    await client.ended
  },
  expected: {
    inbound: { server: life('unwritable'), client: life() },
    promises: {
      server: ['write much ClosedChannelError', 'write flushed ClosedChannelError', 'write unflushed ClosedChannelError'],
      client: ['connect ok'],
    },
    closing: { server: ['closeFuture', 'abort ok', 'abort ok', 'inactive', 'unregistered', 'removed'], client: CLOSED_HERE },
  },
}

const resetWhileWriting: Scenario = {
  id: 'reset-with-pending',
  behaviour: 'the reset of a peer that let nothing through comes to exceptionCaught, then the writes fail',
  async run(cell) {
    const { server, client } = await cell.pair({}, { reading: 'never' })
    server.send(new Uint8Array(cell.kit.stallBytes), 'much')
    server.send('flushed')
    server.write('unflushed')
    client.abort()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('unwritable', 'exception ECONNRESET'), client: life() },
    promises: {
      server: ['write much ClosedChannelError', 'write flushed ClosedChannelError', 'write unflushed ClosedChannelError'],
      client: ['connect ok'],
    },
    closing: { server: CLOSED_THERE, client: ['closeFuture', 'abort ok', 'inactive', 'unregistered', 'removed'] },
  },
}

const resetFoundByWrite: Scenario = {
  id: 'reset-found-by-write',
  behaviour: 'the reset of the peer that a write finds, with nobody reading, fails the flushed writes with the error itself',
  async run(cell) {
    const { server, client } = await cell.pair({ reading: 'never' }, { reading: 'never' })
    server.send(new Uint8Array(cell.kit.stallBytes), 'much')
    server.send('flushed')
    server.write('unflushed')
    client.abort()
    await Promise.all([server.ended, client.ended])
    server.send('late')
  },
  expected: {
    inbound: { server: life('unwritable'), client: life() },
    promises: {
      server: ['write much ECONNRESET', 'write flushed ECONNRESET', 'write unflushed ClosedChannelError', 'write late ClosedChannelError'],
      client: ['connect ok'],
    },
    closing: { server: CLOSED_THERE, client: ['closeFuture', 'abort ok', 'inactive', 'unregistered', 'removed'] },
  },
  differs: [
    {
      transports: ['unix-libuv', 'unix-net'],
      why: 'there is no reset: the write finds nobody at the other end',
      expected: {
        promises: {
          server: ['write much EPIPE', 'write flushed EPIPE', 'write unflushed ClosedChannelError', 'write late ClosedChannelError'],
        },
      },
    },
  ],
}

const disconnect: Scenario = {
  id: 'disconnect',
  behaviour: 'disconnect() of a connection is close()',
  async run(cell) {
    const { server, client } = await cell.pair()
    client.write('unflushed')
    client.disconnect()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { client: ['connect ok', 'write unflushed ClosedChannelError'] },
    closing: { server: CLOSED_THERE, client: ['closeFuture', 'disconnect ok', 'inactive', 'unregistered', 'removed'] },
  },
}

const writeToEnded: Scenario = {
  id: 'write-to-ended-peer',
  behaviour: 'writes to a peer that has closed fail in the end, and the channel closes without a read',
  async run(cell) {
    const { server, client } = await cell.pair({ reading: 'never' })
    client.close()
    await client.ended
    // The kernel takes the first and hears of the reset; how many more it takes is its own business.
    while (server.isOpen) {
      server.channel.writeAndFlush(Buffer.from('anybody there?'), null)
      await new Promise((resolve) => setImmediate(resolve))
    }
    server.send('late')
    await server.ended
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { server: ['write late ClosedChannelError'], client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const groupShutdown: Scenario = {
  id: 'group-shutdown',
  behaviour: 'shutting the event loops down closes both ends, with every event in its order',
  async run(cell) {
    const { server, client } = await cell.pair()
    server.write('unflushed')
    await cell.group.shutdownGracefully({ quietPeriodMs: 0 })
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { server: ['write unflushed ClosedChannelError'], client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_THERE },
  },
}

export const ENDING: readonly Scenario[] = [
  reset,
  closePending,
  closeDelivers,
  closeDeliversMuch,
  closeAfterFlush,
  closeTwice,
  uncaught,
  abortPending,
  resetWhileWriting,
  resetFoundByWrite,
  disconnect,
  writeToEnded,
  groupShutdown,
]
