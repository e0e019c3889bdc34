import { ChannelOption } from '@knotty/transport'
import { option } from '../../support/tcp.js'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'
import type { Side, SideOptions } from '../side.js'
import { Gather } from '../stream-handlers.js'

const WATER_MARK = option(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 32_768, high: 65_536 })

const cancelWrites: Scenario = {
  id: 'cancel-writes',
  behaviour: 'a write that is cancelled before the flush is not sent; after the flush it can not be cancelled',
  async run(cell) {
    const pair = await cell.pair({ below: () => [new Gather(4)] })
    const { client, server } = pair
    const first = client.write('aa')
    client.write('XX').cancel()
    client.write('bb')
    client.write('YY').cancel()
    first.addListener(() => client.note(`cancel of a completed write: ${first.cancel()}`))
    client.channel.flush()
    await server.seen('read aabb')
    client.write('ZZ').cancel()
    client.channel.flush()
    client.send('more')
    await server.seen('read more')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read aabb', 'read more'), client: life() },
    promises: {
      client: [
        'connect ok',
        'write XX CancellationError',
        'write YY CancellationError',
        'write aa ok',
        'write bb ok',
        'write ZZ CancellationError',
        'write more ok',
      ],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const cancelUnderWay: Scenario = {
  id: 'cancel-flushed-write',
  behaviour: 'a flushed write that a stalled peer holds up can not be cancelled, and arrives whole once the peer reads',
  async run(cell) {
    const { server, client } = await cell.pair({}, { reading: 'never', quiet: true })
    const much = server.send(new Uint8Array(cell.kit.stallBytes), 'much')
    const behind = server.send('behind')
    server.note(`cancelled: ${much.cancel()}, ${behind.cancel()}`)
    client.channel.config.autoRead = true
    await client.received(cell.kit.stallBytes + 'behind'.length)
    await server.settled(behind)
    client.close()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('unwritable', 'writable'), client: life() },
    promises: { server: ['write much ok', 'write behind ok'], client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
  merged: {
    server: [
      'registered',
      'active',
      'unwritable',
      'cancelled: false, false',
      'write much ok',
      'writable',
      'write behind ok',
      ...CLOSED_THERE,
    ],
  },
}

const waterMarks: Scenario = {
  id: 'water-marks',
  behaviour: 'the channel is unwritable above the high water mark and writable again below the low one, each told once',
  async run(cell) {
    const { server, client } = await cell.pair({ options: [WATER_MARK] }, { reading: 'never', quiet: true })
    server.write(new Uint8Array(40_000), 'first')
    server.note('below the high mark')
    server.write(new Uint8Array(40_000), 'second')
    server.write(new Uint8Array(cell.kit.stallBytes), 'third')
    server.channel.flush()
    client.channel.config.autoRead = true
    await client.received(80_000 + cell.kit.stallBytes)
    await server.seen('writable')
    // Once more, with a peer that reads.
    server.write(new Uint8Array(70_000), 'fourth')
    server.channel.flush()
    await Promise.all([server.seen('writable', 2), client.received(150_000 + cell.kit.stallBytes)])
    client.close()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life('unwritable', 'writable', 'unwritable', 'writable'), client: life() },
    promises: { server: ['write first ok', 'write second ok', 'write third ok', 'write fourth ok'], client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
  merged: {
    server: [
      'registered',
      'active',
      'below the high mark',
      'unwritable',
      'write first ok',
      'write second ok',
      'write third ok',
      'writable',
      'unwritable',
      'write fourth ok',
      'writable',
      ...CLOSED_THERE,
    ],
  },
}

const writableListener: Scenario = {
  id: 'write-when-writable',
  behaviour: 'a producer that writes only while the channel is writable gets everything through to a slow peer',
  async run(cell) {
    const total = 2 * cell.kit.stallBytes
    let left = total
    const { server, client } = await cell.pair(
      { options: [WATER_MARK], on: { writability: (side) => produce(side.channel.isWritable) } },
      { reading: 'never', quiet: true },
    )
    const produce = (writable: boolean): void => {
      if (!writable) return
      const { channel } = server
      while (left > 0 && channel.isWritable) {
        const bytes = Math.min(left, 100_000)
        left -= bytes
        channel.writeAndFlush(new Uint8Array(bytes), null)
      }
    }
    produce(true)
    client.channel.config.autoRead = true
    await client.received(total)
    client.close()
    await Promise.all([server.ended, client.ended])
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
  ignoreWritability: true,
}

const duplex: Scenario = {
  id: 'duplex',
  behaviour: 'both ends send much at the same time, each while it is writable, and both get everything',
  async run(cell) {
    const total = cell.kit.stallBytes
    const left: Record<string, number> = { server: total, client: total }
    const produce = (side: Side): void => {
      const { channel, label } = side
      while ((left[label] as number) > 0 && channel.isWritable) {
        const bytes = Math.min(left[label] as number, 60_000)
        left[label] = (left[label] as number) - bytes
        channel.writeAndFlush(new Uint8Array(bytes), null)
      }
    }
    const options: SideOptions = { options: [WATER_MARK], quiet: true, on: { active: produce, writability: produce } }
    const pair = await cell.pair(options, options)
    await Promise.all([pair.server.received(total), pair.client.received(total)])
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life(), client: life() },
    promises: { client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
  ignoreWritability: true,
}

const userWritability: Scenario = {
  id: 'user-writability',
  behaviour: 'a user-defined writability bit makes the channel unwritable and writable again, and writes go out all the same',
  async run(cell) {
    const pair = await cell.pair()
    const { server, client } = pair
    client.channel.outboundBuffer?.setUserDefinedWritability(3, false)
    await client.seen('unwritable')
    client.send('all the same')
    await server.seen('read all the same')
    client.channel.outboundBuffer?.setUserDefinedWritability(3, true)
    await client.seen('writable')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read all the same'), client: life('unwritable', 'writable') },
    promises: { client: ['connect ok', 'write all the same ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const emptyWrites: Scenario = {
  id: 'empty-writes',
  behaviour: 'empty messages complete in their place and bring nothing to the peer',
  async run(cell) {
    const pair = await cell.pair({ below: () => [new Gather(2)] })
    const { server, client } = pair
    client.send('', 'nothing')
    client.write('a')
    client.write('', 'nothing between')
    client.write('b')
    client.write('', 'nothing behind')
    client.channel.flush()
    await server.seen('read ab')
    await client.seen('write nothing behind ok')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read ab'), client: life() },
    promises: {
      client: ['connect ok', 'write nothing ok', 'write a ok', 'write nothing between ok', 'write b ok', 'write nothing behind ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

export const WRITING: readonly Scenario[] = [
  cancelWrites,
  cancelUnderWay,
  waterMarks,
  writableListener,
  duplex,
  userWritability,
  emptyWrites,
]
