import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { EventCountingHandler, type HandlerEvent, RecordingHandler } from '@knotty/testing'
import { EmbeddedChannel, LocalSocketAddress } from '@knotty/transport'

/** Makes every event pass once. */
function driveAll(channel: EmbeddedChannel): void {
  channel.writeInbound('in')
  channel.pipeline.fireUserEventTriggered('event')
  channel.pipeline.fireChannelWritabilityChanged()
  channel.pipeline.fireExceptionCaught(new RangeError('bad'))
  assert.throws(() => channel.checkException(), /bad/)
  channel.writeOutbound('out')
  channel.bind(new LocalSocketAddress('here'))
  channel.connect(new LocalSocketAddress('there'))
  channel.disconnect()
  channel.pipeline.deregister()
}

const ALL: readonly string[] = [
  'handlerAdded',
  'channelRegistered',
  'channelActive',
  'read',
  'channelRead in',
  'channelReadComplete',
  'read',
  'userEventTriggered event',
  'channelWritabilityChanged writable',
  'exceptionCaught RangeError: bad',
  'write out',
  'flush',
]

describe('RecordingHandler', () => {
  test('writes each event down and passes it on', () => {
    const recorder = new RecordingHandler()
    const behind = new RecordingHandler()
    const channel = EmbeddedChannel.with({ hasDisconnect: true }, recorder, behind)
    driveAll(channel)
    const lines = recorder.take()
    assert.deepEqual(lines.slice(0, ALL.length), ALL)
    const address = (name: string): string => String(new LocalSocketAddress(name))
    for (const line of [`bind ${address('here')}`, `connect ${address('there')}`, 'disconnect', 'channelUnregistered', 'deregister']) {
      assert.ok(lines.includes(line), `${line} is not in ${lines.join(', ')}`)
    }
    assert.deepEqual(recorder.events, [])
    assert.deepEqual([...behind.events].sort(), lines.sort(), 'the next handler sees the same')
    assert.equal(channel.readInbound(), 'in')
    assert.equal(channel.readOutbound(), 'out')
  })

  test('shows close, its removal, and messages by content without touching them', () => {
    const recorder = new RecordingHandler({ ignore: ['channelReadComplete', 'read'] })
    const channel = new EmbeddedChannel(recorder)
    recorder.take()
    const buf = Unpooled.wrappedBuffer(Buffer.from('616263', 'hex'))
    channel.writeInbound(buf, Buffer.from('ff', 'hex'), { id: 1, tags: ['a'] })
    assert.deepEqual(recorder.take(), ['channelRead 616263', 'channelRead ff', "channelRead { id: 1, tags: [ 'a' ] }"])
    assert.equal(buf.refCnt, 1)
    assert.equal(channel.readInbound(), buf)
    channel.pipeline.remove(recorder)
    assert.deepEqual(recorder.take(), ['handlerRemoved'])
    const closing = new RecordingHandler()
    channel.pipeline.addLast(closing)
    channel.close()
    assert.deepEqual(closing.take(), ['handlerAdded', 'close', 'channelInactive', 'channelUnregistered', 'handlerRemoved'])
  })

  test('writes one line each, also for what has many, and for an error that is a message', () => {
    const recorder = new RecordingHandler({ ignore: ['handlerAdded', 'channelRegistered', 'channelActive', 'channelReadComplete', 'read'] })
    const channel = new EmbeddedChannel(recorder)
    channel.writeInbound([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], new TypeError('no'), { a: 'x'.repeat(80), b: { c: ['y'.repeat(80)] } })
    const lines = recorder.take()
    assert.equal(lines.length, 3)
    assert.deepEqual(lines.slice(0, 2), ['channelRead [ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ]', 'channelRead TypeError: no'])
    assert.ok(lines.every((line) => !line.includes('\n')))
  })

  test('shares a list with others under a name, and shows values as it is told', () => {
    const events: string[] = []
    const show = (value: unknown): string => `#${String(value)}`
    const ignore: readonly HandlerEvent[] = ['handlerAdded', 'channelRegistered', 'channelActive', 'channelReadComplete', 'read']
    const handlers = ['a', 'b'].map((name) => new RecordingHandler({ name, events, show, ignore }))
    const channel = new EmbeddedChannel(...handlers)
    channel.writeInbound(1)
    channel.writeOutbound(2)
    assert.deepEqual(events, ['a: channelRead #1', 'b: channelRead #1', 'b: write #2', 'a: write #2', 'b: flush', 'a: flush'])
  })
})

describe('EventCountingHandler', () => {
  test('counts each event and passes it on', () => {
    const counts = new EventCountingHandler()
    const recorder = new RecordingHandler()
    driveAll(new EmbeddedChannel(counts, recorder))
    const names = recorder.events.map((line) => line.split(' ')[0] as HandlerEvent)
    for (const name of names) assert.equal(counts.count(name), names.filter((each) => each === name).length, name)
    assert.equal(Object.values(counts.counts).reduce((a, b) => a + b), names.length)
  })

  test('starts again at 0, and counts for many channels together', () => {
    const counts = new EventCountingHandler()
    const channels = [new EmbeddedChannel(counts), new EmbeddedChannel(counts)]
    assert.equal(counts.count('channelActive'), 2)
    counts.reset()
    for (const channel of channels) channel.writeInbound('x')
    assert.deepEqual(counts.counts, { channelRead: 2, channelReadComplete: 2, read: 2 })
    assert.equal(counts.count('write'), 0)
  })
})
