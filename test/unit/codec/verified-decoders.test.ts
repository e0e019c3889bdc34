import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { ByteBuf, Unpooled } from '@knotty/buffer'
import {
  Base64Decoder,
  Base64Encoder,
  type ByteToMessageDecoder,
  CorruptedFrameError,
  DelimiterBasedFrameDecoder,
  Delimiters,
  FixedLengthFrameDecoder,
  JsonObjectDecoder,
  LengthFieldBasedFrameDecoder,
  LengthFieldPrepender,
  LineBasedFrameDecoder,
  LineEncoder,
  StringDecoder,
  StringEncoder,
  TooLongFrameError,
  Varint32FrameDecoder,
  Varint32LengthFieldPrepender,
} from '@knotty/codec'
import { ByteToMessageDecoderVerifier, codecRoundTrip, type DecoderCase, type HandlerFactory, type RoundTripCodec } from '@knotty/testing'
import { ChannelInputShutdownEvent, EmbeddedChannel } from '@knotty/transport'
import { codesOf, decoding } from './support.js'

const text = (value: string): Buffer => Buffer.from(value, 'utf8')
const hex = (value: string): Buffer => Buffer.from(value.replaceAll(' ', ''), 'hex')

interface Verified {
  readonly name: string
  readonly create: HandlerFactory
  readonly cases: readonly DecoderCase[]
}

/** Every decoder of the package, with what it makes of some bytes. */
const decoders: readonly Verified[] = [
  {
    name: 'LengthFieldBasedFrameDecoder',
    create: () => new LengthFieldBasedFrameDecoder({ maxFrameLength: 16, lengthFieldLength: 2, initialBytesToStrip: 2 }),
    cases: [
      { input: hex('0003616263 0000'), messages: [text('abc'), text('')] },
      { input: hex('0001aa 000361'), messages: [hex('aa')], leftOver: hex('000361') },
      {
        name: 'too long',
        input: hex(`0001aa 0020${'00'.repeat(32)} 0001bb 0021${'00'.repeat(33)} 00`),
        messages: [hex('aa'), hex('bb')],
        errors: [TooLongFrameError, TooLongFrameError],
        leftOver: hex('00'),
      },
    ],
  },
  {
    name: 'LineBasedFrameDecoder',
    create: () => new LineBasedFrameDecoder({ maxLength: 8 }),
    cases: [
      { input: text('ab\r\n\ncd\re\n'), messages: [text('ab'), text(''), text('cd\re')] },
      { input: text('ab\ncd\r'), messages: [text('ab')], leftOver: text('cd\r') },
      { name: 'too long', input: text('0123456789abc\r\nok\n'), messages: [text('ok')], errors: ['ERR_KNOTTY_TOO_LONG_FRAME'] },
    ],
  },
  {
    name: 'LineBasedFrameDecoder, failFast and with line ends',
    create: () => new LineBasedFrameDecoder({ maxLength: 8, failFast: true, stripDelimiter: false }),
    cases: [
      { input: text('ab\r\n\n'), messages: [text('ab\r\n'), text('\n')] },
      { name: 'too long', input: text('0123456789abc\r\nok\n'), messages: [text('ok\n')], errors: [TooLongFrameError] },
    ],
  },
  {
    name: 'DelimiterBasedFrameDecoder',
    create: () => new DelimiterBasedFrameDecoder({ maxFrameLength: 8, delimiters: ['END', ';'] }),
    cases: [
      { input: text('ab;cdENDENE;;'), messages: [text('ab'), text('cd'), text('ENE'), text('')] },
      { input: text('ab;EN'), messages: [text('ab')], leftOver: text('EN') },
      {
        name: 'too long',
        input: text('ok;0123456789ENDgood;012345678;;E'),
        messages: [text('ok'), text('good'), text('')],
        errors: [TooLongFrameError, TooLongFrameError],
        leftOver: text('E'),
      },
      { name: 'as long as the limit', input: text('01234567END01234567;'), messages: [text('01234567'), text('01234567')] },
    ],
  },
  {
    name: 'DelimiterBasedFrameDecoder, failFast: false and with delimiters',
    create: () => new DelimiterBasedFrameDecoder({ maxFrameLength: 8, delimiters: 'END', failFast: false, stripDelimiter: false }),
    cases: [
      { input: text('01234567END'), messages: [text('01234567END')] },
      {
        name: 'too long',
        input: text('012345678ENDabENDENDENDEN'),
        messages: [text('abEND'), text('END'), text('END')],
        errors: [TooLongFrameError],
        leftOver: text('EN'),
      },
    ],
  },
  {
    name: 'DelimiterBasedFrameDecoder, with line delimiters',
    create: () => new DelimiterBasedFrameDecoder({ maxFrameLength: 8, delimiters: Delimiters.lineDelimiter() }),
    cases: [{ input: text('ab\r\ncd\n\n'), messages: [text('ab'), text('cd'), text('')] }],
  },
  {
    name: 'FixedLengthFrameDecoder',
    create: () => new FixedLengthFrameDecoder({ frameLength: 3 }),
    cases: [
      { input: text('abcdef'), messages: [text('abc'), text('def')] },
      { input: text('abcde'), messages: [text('abc')], leftOver: text('de') },
    ],
  },
  {
    name: 'Varint32FrameDecoder',
    create: () => new Varint32FrameDecoder({ maxFrameLength: 200 }),
    cases: [
      { input: Buffer.concat([hex('00 02aabb 9601'), Buffer.alloc(150)]), messages: [text(''), hex('aabb'), Buffer.alloc(150)] },
      { input: hex('01aa 9601bb'), messages: [hex('aa')], leftOver: hex('9601bb') },
      {
        name: 'too long',
        input: Buffer.concat([hex('01aa c901'), Buffer.alloc(201), hex('01bb')]),
        messages: [hex('aa'), hex('bb')],
        errors: [TooLongFrameError],
      },
      {
        name: 'negative and endless lengths',
        input: hex('ffffffff0f 01aa ffffffffff 01bb'),
        messages: [hex('aa'), hex('bb')],
        errors: [CorruptedFrameError, CorruptedFrameError],
      },
    ],
  },
  {
    name: 'JsonObjectDecoder',
    create: () => new JsonObjectDecoder(),
    cases: [
      { input: text('{"a":"}\\""} [1,{"b":[]}]'), messages: [text('{"a":"}\\""}'), text('[1,{"b":[]}]')] },
      { input: text('{}[1,'), messages: [text('{}')], leftOver: text('[1,') },
      { name: 'no JSON', input: text('{}true {}'), messages: [text('{}')], errors: [CorruptedFrameError] },
    ],
  },
  {
    name: 'JsonObjectDecoder, streamArrayElements',
    create: () => new JsonObjectDecoder({ streamArrayElements: true }),
    cases: [{ input: text('[1 , {"b":[]},"," ]{}'), messages: [text('1'), text('{"b":[]}'), text('","'), text('{}')] }],
  },
  {
    name: 'StringDecoder behind a LineBasedFrameDecoder',
    create: () => [new LineBasedFrameDecoder({ maxLength: 100 }), new StringDecoder()],
    cases: [{ input: text('é1\n\n€2😀\n'), messages: ['é1', '', '€2😀'] }],
  },
  {
    name: 'Base64Decoder behind a DelimiterBasedFrameDecoder',
    create: () => [new DelimiterBasedFrameDecoder({ maxFrameLength: 100, delimiters: Delimiters.nulDelimiter() }), new Base64Decoder()],
    cases: [
      { input: text('YWJj\0\0YQ==\0'), messages: [text('abc'), text(''), text('a')] },
      { name: 'malformed', input: text('YWJj\0Y\0YQ==\0'), messages: [text('abc'), text('a')], errors: [CorruptedFrameError] },
    ],
  },
]

describe('a composite as chunk', () => {
  for (const { name, create, cases } of decoders) {
    test(name, () => {
      const [{ input, messages } = { input: text(''), messages: [] }] = cases
      const made = create()
      const channel = new EmbeddedChannel(...(Array.isArray(made) ? made : [made]))
      const bytes = Array.from(input, (_, at) => Buffer.from(input.subarray(at, at + 1)))
      channel.writeInbound(Unpooled.wrappedBuffer(bytes.length, ...bytes))
      const shown = channel.inboundMessages.map((msg) => (ByteBuf.isByteBuf(msg) ? Buffer.from(msg.unsafeBuffer()) : msg))
      assert.deepEqual(shown, messages)
      channel.finishAndReleaseAll()
    })
  }
})

describe('whatever chunks the bytes come in', () => {
  for (const { name, create, cases } of decoders) {
    test(name, () => new ByteToMessageDecoderVerifier(create).verify(cases))
  }
})

describe('bytes behind an end of the input are decoded afresh', () => {
  const framers: readonly [ByteToMessageDecoder, unfinished: string, good: string, message: string][] = [
    [new LineBasedFrameDecoder({ maxLength: 100 }), 'abcdef', 'x\ny\n', 'x'],
    [new DelimiterBasedFrameDecoder({ maxFrameLength: 100, delimiters: ';' }), 'abcdef', 'x;y;', 'x'],
    [new DelimiterBasedFrameDecoder({ maxFrameLength: 100, delimiters: Delimiters.lineDelimiter() }), 'abcdef', 'x\ny\n', 'x'],
    [new JsonObjectDecoder(), '{"a', '{}{}', '{}'],
  ]
  for (const [decoder, unfinished, good, message] of framers) {
    test(decoder.constructor.name, () => {
      const { channel, collector, reader } = decoding(decoder)
      reader.read(text(unfinished))
      channel.pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE)
      reader.read(text(good))
      assert.equal(collector.takeFrames()[0], text(message).toString('hex'))
    })
  }
})

describe('maxCumulationBytes below the longest frame ends decoding', () => {
  const maxCumulationBytes = 4
  const limited: readonly [ByteToMessageDecoder, Buffer][] = [
    [new LengthFieldBasedFrameDecoder({ maxFrameLength: 100, lengthFieldLength: 1, maxCumulationBytes }), hex('10')],
    [new LineBasedFrameDecoder({ maxLength: 100, maxCumulationBytes }), text('abcde')],
    [new DelimiterBasedFrameDecoder({ maxFrameLength: 100, delimiters: ';', maxCumulationBytes }), text('abcde')],
    [new DelimiterBasedFrameDecoder({ maxFrameLength: 100, delimiters: Delimiters.lineDelimiter(), maxCumulationBytes }), text('abcde')],
    [new Varint32FrameDecoder({ maxFrameLength: 100, maxCumulationBytes }), hex('10')],
  ]
  for (const [decoder, input] of limited) {
    test(decoder.constructor.name, () => {
      const { collector, reader } = decoding(decoder)
      reader.read(input)
      reader.read(input)
      assert.deepEqual(codesOf(collector.errors), ['ERR_KNOTTY_CUMULATION_LIMIT', 'ERR_KNOTTY_DECODER_FAILED_BEFORE'])
      assert.ok(collector.errors[0] instanceof TooLongFrameError)
      assert.equal(decoder.unreadBytes, 0)
      reader.assertReleased()
    })
  }
})

/** Encoders with what undoes them, and samples for both. */
const codecs: readonly [name: string, codec: RoundTripCodec, samples: readonly unknown[]][] = [
  [
    'lines of text',
    {
      encoder: () => new LineEncoder({ lineSeparator: '\r\n' }),
      decoder: () => [new LineBasedFrameDecoder({ maxLength: 100 }), new StringDecoder()],
    },
    ['', 'é€😀', 'a\rb', 'x'.repeat(99)],
  ],
  [
    'varint lengths',
    { encoder: () => new Varint32LengthFieldPrepender(), decoder: () => new Varint32FrameDecoder() },
    [text(''), text('a'), Buffer.alloc(127, 1), Buffer.alloc(128, 2), Buffer.alloc(300, 3)],
  ],
  [
    'Base64 with varint lengths',
    {
      encoder: () => [new Varint32LengthFieldPrepender(), new Base64Encoder({ dialect: 'urlSafe' })],
      decoder: () => [new Varint32FrameDecoder(), new Base64Decoder({ dialect: 'urlSafe' })],
    },
    [text(''), hex('fb'), hex('fbff'), hex('fbffbf')],
  ],
  [
    'text with lengths',
    {
      encoder: () => [new LengthFieldPrepender({ lengthFieldLength: 2 }), new StringEncoder({ encoding: 'utf16le' })],
      decoder: () => [
        new LengthFieldBasedFrameDecoder({ maxFrameLength: 100, lengthFieldLength: 2, initialBytesToStrip: 2 }),
        new StringDecoder({ encoding: 'utf16le' }),
      ],
    },
    ['', 'é€😀'],
  ],
]

describe('what was encoded is decoded', () => {
  for (const [name, codec, samples] of codecs) test(name, () => codecRoundTrip(codec, samples))
})
