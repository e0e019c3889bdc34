import { type ByteBuf, Unpooled } from '@knotty/buffer'
import type { Channel, ChannelHandler, ChannelHandlerContext } from '@knotty/transport'
import { CLOSED_HERE, CLOSED_THERE, life } from '../logs.js'
import type { Scenario } from '../scenario.js'
import type { Side } from '../side.js'
import { CountBytes, described, DescribeFrames, frameOf, Gather, newFramer } from '../stream-handlers.js'

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

const batch: Scenario = {
  id: 'batch',
  behaviour: 'writes leave in order with the flush, not before, and the answers come back in order',
  async run(cell) {
    const pair = await cell.pair(
      { below: () => [new Gather(2)], on: { read: (side, text) => side.send(text) } },
      { below: () => [new Gather(6)] },
    )
    const { client } = pair
    client.write('aa')
    client.write('bb')
    client.write('cc')
    client.note('flush')
    client.channel.flush()
    await client.seen('read aabbcc')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read aa', 'read bb', 'read cc'), client: life('read aabbcc') },
    promises: {
      server: ['write aa ok', 'write bb ok', 'write cc ok'],
      client: ['connect ok', 'write aa ok', 'write bb ok', 'write cc ok'],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const SMALL_FRAMES = [0, 1, 2, 5, 17, 0, 255, 256, 40]
const SPLITS = [1, 2, 3, 7, 64]

const fixedSplits: Scenario = {
  id: 'fixed-splits',
  behaviour: 'a framed stream cut at fixed distances, each piece sent when the one before has arrived, gives the same frames',
  async run(cell) {
    const server: Side = cell.side('server', { below: () => [new CountBytes(() => server), newFramer(), new DescribeFrames()] })
    const client = cell.side('client')
    const listener = await cell.listen(() => server)
    await cell.connect(client, cell.addressOf(listener))
    const stream = Buffer.concat(SMALL_FRAMES.map(frameOf))
    let sent = 0
    for (const size of SPLITS) {
      for (let from = 0; from < stream.length; from += size) {
        const piece = stream.subarray(from, from + size)
        sendUnwatched(client.channel, piece)
        sent += piece.length
        await server.received(sent)
      }
    }
    await cell.finish({ listener, server, client })
  },
  expected: {
    inbound: { server: life(...SPLITS.flatMap(() => SMALL_FRAMES.map((length) => `read ${described(length)}`))), client: life() },
    promises: { client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const LARGE_FRAMES = [70_000, 3, 0, 65_536, 65_535, 1, 300_000, 4096, 9, 130_000, 2]
const SEEDS = [1, 2, 3, 4]

const randomSplits: Scenario = {
  id: 'random-splits',
  behaviour: 'a framed stream cut at random, sent without waiting and sent back, gives the same frames in both directions',
  async run(cell) {
    const framed = (): readonly [ReturnType<typeof newFramer>, DescribeFrames] => [newFramer(), new DescribeFrames()]
    const server = cell.side('server', {
      below: () => [new EchoOnTheWay(), ...framed()],
    })
    const client = cell.side('client', { below: framed })
    const listener = await cell.listen(() => server)
    await cell.connect(client, cell.addressOf(listener))
    const stream = Buffer.concat(LARGE_FRAMES.map(frameOf))
    for (const [round, seed] of SEEDS.entries()) {
      const random = randomFrom(seed)
      for (let from = 0; from < stream.length; ) {
        const piece = stream.subarray(from, from + 1 + Math.floor(random() ** 4 * 100_000))
        sendUnwatched(client.channel, piece)
        from += piece.length
      }
      await client.seen(`read ${described(LARGE_FRAMES.at(-1) as number)}`, round + 1)
    }
    await cell.finish({ listener, server, client })
  },
  expected: {
    inbound: {
      server: life(...SEEDS.flatMap(() => LARGE_FRAMES.map((length) => `read ${described(length)}`))),
      client: life(...SEEDS.flatMap(() => LARGE_FRAMES.map((length) => `read ${described(length)}`))),
    },
    promises: { client: ['connect ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
  // More than the high water mark is under way, when and how often the channel is unwritable depends on the kernel.
  ignoreWritability: true,
}

const bufferKinds: Scenario = {
  id: 'buffer-kinds',
  behaviour: 'ByteBufs, their slices, composites, Buffers and views of larger arrays arrive as the bytes they hold',
  async run(cell) {
    const pair = await cell.pair({ below: () => [new Gather(14)] })
    const { server, client } = pair
    const { channel } = client
    channel.write(Unpooled.copiedBuffer('__ab__', 'latin1').slice(2, 2), client.promise('write slice'))
    channel.write(Buffer.from('cd'), client.promise('write Buffer'))
    channel.write(new Uint8Array(Buffer.from('__ef__')).subarray(2, 4), client.promise('write subarray'))
    channel.write(Unpooled.copiedBuffer('__gh', 'latin1').skipBytes(2), client.promise('write rest'))
    channel.writeAndFlush(Unpooled.wrappedBuffer(Buffer.from('ij')), client.promise('write wrapped'))
    channel.write(Unpooled.wrappedBuffer(Buffer.from('k'), Buffer.from('l')), client.promise('write composite'))
    const composite = Unpooled.wrappedBuffer(Buffer.from('__m'), Buffer.from('n__'))
    channel.writeAndFlush(composite.slice(2, 2), client.promise('write part'))
    await server.seen('read abcdefghijklmn')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read abcdefghijklmn'), client: life() },
    promises: {
      client: [
        'connect ok',
        ...['slice', 'Buffer', 'subarray', 'rest', 'wrapped', 'composite', 'part'].map((kind) => `write ${kind} ok`),
      ],
    },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
}

const wrongMessage: Scenario = {
  id: 'string-message',
  logsWarnings: true, // told once for each type
  behaviour: 'a message that is no buffer fails its own write, and what is written around it arrives',
  async run(cell) {
    const pair = await cell.pair()
    const { server, client } = pair
    client.send('before')
    await server.seen('read before')
    client.channel.writeAndFlush('a string', client.promise('write a string'))
    await client.until(() => client.pending.size === 0)
    client.send('after')
    await server.seen('read after')
    await cell.finish(pair)
  },
  expected: {
    inbound: { server: life('read before', 'read after'), client: life() },
    promises: { client: ['connect ok', 'write before ok', 'write a string UnsupportedMessageTypeError', 'write after ok'] },
    closing: { server: CLOSED_THERE, client: CLOSED_HERE },
  },
  differs: [
    {
      transports: ['local'],
      why: 'it takes messages of any kind',
      expected: {
        inbound: { server: life('read before', 'read a string', 'read after') },
        promises: { client: ['connect ok', 'write before ok', 'write a string ok', 'write after ok'] },
      },
    },
  ],
}

/** Sends the bytes back as they come and passes them on. */
class EchoOnTheWay implements ChannelHandler {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.writeAndFlush((msg as ByteBuf).retainedDuplicate(), null)
    ctx.fireChannelRead(msg)
  }
}

function sendUnwatched(channel: Channel, bytes: Uint8Array): void {
  channel.writeAndFlush(Unpooled.wrappedBuffer(bytes), null)
}

/** Numbers in [0, 1) that are the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export const MESSAGES: readonly Scenario[] = [echo, batch, fixedSplits, randomSplits, bufferKinds, wrongMessage]
