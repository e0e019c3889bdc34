import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { LineBasedFrameDecoder, StringDecoder, type StringDecoderOptions } from '@knotty/codec'
import { IllegalArgumentError } from '@knotty/common'
import { chunkedBytes, chunkingOf } from '@knotty/testing'
import { ChannelInputShutdownEvent, EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import { bytesOf, decoding } from './support.js'

const REPLACEMENT = '\ufffd'

describe('StringDecoder', () => {
  test('gives the same text however the bytes are cut, whole characters in each string', () => {
    const pairs = fc.string({ unit: fc.constantFrom('a', '€', '\u{1f600}') })
    const texts = fc.oneof(fc.string({ unit: 'binary' }), pairs)
    const streams = fc.record({ text: texts, encoding: fc.constantFrom<BufferEncoding>('utf8', 'utf16le') }).chain(
      ({ text, encoding }) => {
        const bytes = Buffer.from(text, encoding)
        return fc.record({ bytes: fc.constant(bytes), encoding: fc.constant(encoding), chunks: chunkingOf(bytes) })
      },
    )
    fc.assert(
      fc.property(streams, ({ bytes, encoding, chunks }) => {
        const { channel, collector, reader } = decoding(new StringDecoder({ encoding }))
        for (const chunk of chunks) reader.read(chunk)
        channel.finish()
        const strings = collector.messages as string[]
        assert.equal(strings.join(''), bytes.toString(encoding))
        for (const each of strings) assert.doesNotMatch(each, /[\ud800-\udfff]/u, 'half a character')
        reader.assertReleased()
      }),
      { numRuns: 300 },
    )
  })

  test('takes any bytes, cut in any way: malformed text becomes U+FFFD, and no error', () => {
    fc.assert(
      fc.property(chunkedBytes({ maxLength: 60 }), ({ bytes, chunks }) => {
        const { channel, collector, reader } = decoding(new StringDecoder())
        for (const chunk of chunks) reader.read(chunk)
        channel.finish()
        assert.equal(collector.messages.join(''), Buffer.from(bytes).toString('utf8'))
        assert.deepEqual(collector.errors, [])
        reader.assertReleased()
      }),
      { numRuns: 300 },
    )
  })

  test('carries a character that is cut over to the next string, however small the chunks', () => {
    const { collector, reader } = decoding(new StringDecoder())
    reader.read(bytesOf('61c3a9e2'))
    reader.read(bytesOf('82'))
    reader.read(bytesOf('ac7a'))
    assert.deepEqual(collector.messages, ['aé', '€z'])
    reader.assertReleased()
  })

  test('gives one string for each frame of a framer, the empty line too', () => {
    const channel = new EmbeddedChannel(new LineBasedFrameDecoder({ maxLength: 100 }), new StringDecoder())
    channel.writeInbound(Unpooled.copiedBuffer('é1\n\n€2\n'))
    assert.deepEqual(channel.inboundMessages, ['é1', '', '€2'])
  })

  const shutdown = 'event ChannelInputShutdownEvent'
  const endings: [string, (channel: EmbeddedChannel) => void, string[]][] = [
    ['the channel closes', (channel): void => void channel.close(), ['inactive']],
    [
      'the peer sends no more',
      (channel): void => void channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE),
      [shutdown, 'inactive'],
    ],
    ['it is removed', (channel): void => void channel.pipeline.remove('decoder'), ['inactive']],
  ]
  for (const [when, end, then] of endings) {
    test(`gives U+FFFD for half a character when ${when}, and only once`, () => {
      const { channel, collector, reader } = decoding(new StringDecoder())
      reader.read(bytesOf('61e282'))
      collector.takeLog()
      end(channel)
      channel.finish()
      assert.deepEqual(collector.messages, ['a', REPLACEMENT])
      assert.deepEqual(collector.takeLog(), [`msg ${REPLACEMENT}`, 'readComplete', ...then])
    })
  }

  test('passes user events on inside a character, and the end without a string when there is nothing left', () => {
    const { channel, collector, reader } = decoding(new StringDecoder())
    reader.read(bytesOf('61e2'))
    channel.pipeline.fireUserEventTriggered(new Date())
    reader.read(bytesOf('82ac'))
    channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
    channel.finish()
    assert.deepEqual(collector.takeLog(), ['msg a', 'readComplete', 'event Date', 'msg €', 'readComplete', shutdown, 'inactive'])
  })

  test('asks for the next read when a chunk gave no string and AUTO_READ is off', () => {
    const { channel, reader } = decoding(new StringDecoder(), false)
    let reads = 0
    channel.pipeline.addFirst({ read: (ctx): void => void (reads++, ctx.read()) })
    reader.read(bytesOf('e282'))
    assert.equal(reads, 1)
    reader.read(bytesOf('ac'))
    assert.equal(reads, 1)
  })

  test('is not sharable, because it keeps the bytes of one channel', () => {
    const decoder = new StringDecoder()
    assert.ok(new EmbeddedChannel(decoder))
    assert.throws(() => new EmbeddedChannel().pipeline.addLast(decoder), /sharable/)
  })

  test('with stream: false takes each buffer for a text of its own, and is sharable', () => {
    const decoder = new StringDecoder({ stream: false })
    for (let i = 0; i < 2; i++) {
      const channel = new EmbeddedChannel(decoder)
      channel.writeInbound(Unpooled.wrappedBuffer(bytesOf('61e282')), Unpooled.wrappedBuffer(bytesOf('ac62')), Unpooled.buffer(0))
      assert.deepEqual(channel.inboundMessages, [`a${REPLACEMENT}`, `${REPLACEMENT}b`, ''])
    }
  })

  test('decodes ascii as latin1 in both ways, as ByteBuf does', () => {
    for (const stream of [true, false]) {
      const channel = new EmbeddedChannel(new StringDecoder({ encoding: 'ascii', stream }))
      channel.writeInbound(Unpooled.wrappedBuffer(bytesOf('61e9')))
      assert.deepEqual(channel.inboundMessages, ['aé'])
    }
  })

  test('takes an encoding in any case, and decodes alike in both ways', () => {
    for (const [encoding, hex, text] of [
      ['ASCII', '61e9', 'aé'],
      ['UTF16LE', '6100e900', 'aé'],
      ['Utf-8', '61c3a9', 'aé'],
    ] as const) {
      for (const stream of [true, false]) {
        const channel = new EmbeddedChannel(new StringDecoder({ encoding: encoding as BufferEncoding, stream }))
        channel.writeInbound(Unpooled.wrappedBuffer(bytesOf(hex)))
        assert.deepEqual(channel.inboundMessages, [text], `${encoding} ${stream}`)
      }
    }
  })

  test('gives half a pair of utf16le as it is at the end, and drops half a unit, as Buffer does', () => {
    for (const [hex, strings] of [
      ['61003dd8', ['a', '\ud83d']],
      ['610061', ['a']],
      ['61003dd800', ['a', '\ud83d']],
    ] as const) {
      const { channel, collector, reader } = decoding(new StringDecoder({ encoding: 'utf16le' }))
      reader.read(bytesOf(hex))
      channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
      channel.finish()
      assert.deepEqual(collector.messages, strings)
      assert.equal(collector.messages.join(''), bytesOf(hex).toString('utf16le'))
    }
  })

  test('passes other messages on', () => {
    const channel = new EmbeddedChannel(new StringDecoder())
    channel.writeInbound('text', 5)
    assert.deepEqual(channel.inboundMessages, ['text', 5])
  })

  test('wants an encoding that Node knows', () => {
    assert.throws(
      () => new StringDecoder({ encoding: 'utf-7' } as unknown as StringDecoderOptions),
      (error: unknown) => error instanceof IllegalArgumentError && /encoding: utf-7/.test(error.message),
    )
  })
})
