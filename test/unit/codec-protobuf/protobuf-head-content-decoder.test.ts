import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { CorruptedFrameError, DecoderError, TooLongFrameError } from '@knotty/codec'
import {
  type HeadContentOptions,
  MalformedProtobufError,
  ProtobufHeadContentDecoder,
  ProtobufHeadContentEncoder,
  WrongMagicError,
  WrongVersionError,
} from '@knotty/codec-protobuf'
import { IllegalArgumentError } from '@knotty/common'
import { chunkingOf } from '@knotty/testing'
import { EmbeddedChannel } from '@knotty/transport'
import * as fc from 'fast-check'
import { Collector, bytesOf, SlabReader } from '../codec/support.js'
import { encodeAll, expected, Note, note, shown } from './support.js'

interface Decoding {
  readonly channel: EmbeddedChannel
  readonly decoder: ProtobufHeadContentDecoder
  readonly collector: Collector
  readonly reader: SlabReader
}

function decoding(options: Partial<HeadContentOptions> = {}): Decoding {
  const decoder = new ProtobufHeadContentDecoder({ type: Note, ...options })
  const collector = new Collector()
  const channel = new EmbeddedChannel(decoder, collector)
  return { channel, decoder, collector, reader: new SlabReader(channel) }
}

/** Errors that have to be of one class, with its code, final: a good message behind it does not get through. */
function assertFinal(
  wire: string,
  type: new (text: string) => DecoderError,
  code: string,
  text: RegExp,
  options?: Partial<HeadContentOptions>,
): void {
  const { collector, reader } = decoding(options)
  reader.read(bytesOf(wire))
  assert.equal(collector.errors.length, 1)
  const [error] = collector.errors as [DecoderError]
  assert.ok(error instanceof type)
  assert.ok(error instanceof DecoderError)
  assert.equal(error.code, code)
  assert.match(error.message, text)
  reader.read(bytesOf('4b4e 0001 00000005 0a03686579'))
  assert.deepEqual(collector.messages, [])
  reader.assertReleased()
}

describe('ProtobufHeadContentDecoder', () => {
  test('makes a message of magic, version, length and body', () => {
    const { collector, reader } = decoding()
    reader.read(bytesOf('4b4e 0001 00000005 0a03686579'))
    assert.deepEqual(collector.messages.map(shown), [expected({ text: 'hey' })])
    reader.assertReleased()
  })

  test('makes the message of defaults of an empty body', () => {
    const { collector, reader } = decoding()
    reader.read(bytesOf('4b4e 0001 00000000'))
    assert.deepEqual(collector.messages.map(shown), [expected({})])
  })

  test('reads a version of one byte and a length of two', () => {
    const { collector, reader } = decoding({ magic: 0xcafe, version: 7, versionFieldLength: 1, lengthFieldLength: 2 })
    reader.read(bytesOf('cafe 07 0005 0a03686579'))
    assert.deepEqual(collector.messages.map(shown), [expected({ text: 'hey' })])
  })

  test('gives the same messages whatever chunks they come in, and keeps no chunk', () => {
    const layout = fc.record({
      versionFieldLength: fc.constantFrom(1, 2),
      lengthFieldLength: fc.constantFrom(2, 4),
      version: fc.nat({ max: 255 }),
    })
    const inputs = fc.tuple(layout, fc.array(note, { maxLength: 5 })).chain(([options, messages]) => {
      const wire = encodeAll([new ProtobufHeadContentEncoder({ type: Note, ...options })], messages)
      return fc.tuple(fc.constant({ options, messages, wire }), chunkingOf(wire))
    })
    fc.assert(
      fc.property(inputs, ([{ options, messages, wire }, chunks]) => {
        const { collector, decoder, reader } = decoding(options)
        for (const chunk of chunks) if (chunk.length > 0) reader.read(chunk)
        assert.deepEqual(collector.errors, [])
        // Compared only now: the slab has been overwritten behind every chunk.
        assert.deepEqual(collector.messages.map(shown), messages.map(expected))
        assert.equal(decoder.unreadBytes, 0)
        reader.assertReleased()
      }),
    )
  })

  test('copies the bytes of a message out of the read slab, at every depth', () => {
    const bytes = Buffer.from('never 0xDD')
    const message = { data: bytes, files: { a: bytes }, parts: [bytes], inner: { data: bytes } }
    const { collector, reader } = decoding()
    reader.read(encodeAll([new ProtobufHeadContentEncoder({ type: Note })], [message]))
    assert.equal(reader.moved, 0)
    assert.equal(shown(collector.messages[0]), expected(message))
  })

  test('copies the body for a type that is not of protobufjs', () => {
    const { collector, reader } = decoding({ type: { decode: (body) => ({ body }), encode: () => ({ finish: () => new Uint8Array() }) } })
    reader.read(bytesOf('4b4e 0001 00000003 010203'))
    assert.deepEqual(collector.messages, [{ body: Buffer.from([1, 2, 3]) }])
  })

  test('refuses a wrong magic number with its first two bytes, before the header is there', () => {
    assertFinal('4745', WrongMagicError, 'ERR_KNOTTY_PROTOBUF_MAGIC', /magic: 0x4745 \(expected: 0x4B4E\)/)
    assertFinal('00ab', WrongMagicError, 'ERR_KNOTTY_PROTOBUF_MAGIC', /magic: 0x00AB \(expected: 0xAB00\)/, { magic: 0xab00 })
  })

  test('refuses another version as soon as it is there', () => {
    assertFinal('4b4e 0002', WrongVersionError, 'ERR_KNOTTY_PROTOBUF_VERSION', /version: 2 \(expected: 1\)/)
    assertFinal('4b4e 02', WrongVersionError, 'ERR_KNOTTY_PROTOBUF_VERSION', /version: 2/, { versionFieldLength: 1 })
  })

  test('refuses a negative length', () => {
    assertFinal('4b4e 0001 ffffffff', CorruptedFrameError, 'ERR_KNOTTY_CORRUPTED_FRAME', /length field: -1/)
    assertFinal('4b4e 0001 80000000', CorruptedFrameError, 'ERR_KNOTTY_CORRUPTED_FRAME', /length field: -2147483648/)
  })

  test('refuses a length above the limit before anything is kept for the body', () => {
    const code = 'ERR_KNOTTY_TOO_LONG_FRAME'
    assertFinal('4b4e 0001 7fffffff', TooLongFrameError, code, /maxBodyLength: 1048576 exceeded by a body of 2147483647 bytes/)
    assertFinal('4b4e 0001 00000005', TooLongFrameError, code, /maxBodyLength: 4 exceeded by a body of 5/, { maxBodyLength: 4 })
    assertFinal('4b4e 0001 ffff', TooLongFrameError, code, /a body of 65535/, { maxBodyLength: 9, lengthFieldLength: 2 })
  })

  test('takes a body that is just as long as the limit', () => {
    const { collector, reader } = decoding({ maxBodyLength: 5 })
    reader.read(bytesOf('4b4e 0001 00000005 0a03686579'))
    assert.equal(collector.messages.length, 1)
  })

  test('waits for a body above the default of maxCumulationBytes', () => {
    const { collector, reader } = decoding({ maxBodyLength: 0x1100000 })
    reader.read(bytesOf('4b4e 0001 01100000 0a'))
    assert.deepEqual(collector.errors, [])
  })

  test('refuses a body that is no message, with the reason as cause', () => {
    assertFinal('4b4e 0001 00000002 0a7f', MalformedProtobufError, 'ERR_KNOTTY_PROTOBUF_MALFORMED', /body of 2 bytes is no Note: index/)
    const { collector, reader } = decoding()
    reader.read(bytesOf('4b4e 0001 00000001 07'))
    assert.ok((collector.errors[0] as Error).cause instanceof Error)
  })

  test('refuses a message nested without end as it does any malformed one', () => {
    let body = Buffer.alloc(0)
    for (let depth = 0; depth < 1000; depth++) body = Buffer.concat([Buffer.from([0x2a]), varint(body.length), body])
    const header = bytesOf('4b4e 0001 00000000')
    header.writeInt32BE(body.length, 4)
    const wire = Buffer.concat([header, body]).toString('hex')
    assertFinal(wire, MalformedProtobufError, 'ERR_KNOTTY_PROTOBUF_MALFORMED', /max depth exceeded/)
  })

  test('gives the messages before a broken one first', () => {
    const { collector, reader } = decoding()
    reader.read(bytesOf('4b4e 0001 00000000 4b4e 0001 00000005 0a03686579 4b4e 0009'))
    assert.deepEqual(collector.log, ['msg [object Object]', 'msg [object Object]', 'error WrongVersionError', 'readComplete'])
  })

  test('asks for exactly the missing bytes, so that a large body is copied once', () => {
    const body = Buffer.alloc(1024 * 1024 - 5, 7)
    const wire = encodeAll([new ProtobufHeadContentEncoder({ type: Note })], [{ data: body }])
    const { collector, decoder, reader } = decoding()
    for (let at = 0; at < wire.length; at += 1000) reader.read(wire.subarray(at, at + 1000))
    assert.equal(Buffer.compare((collector.messages[0] as { data: Buffer }).data, body), 0)
    assert.ok(decoder.copiedBytes < 2 * wire.length, `${decoder.copiedBytes} of ${wire.length} bytes were copied`)
  })

  test('survives any bytes: messages and at most one error, nothing held', () => {
    const headed = fc
      .tuple(fc.constantFrom('4b4e0001', '4b4e', ''), fc.uint8Array({ maxLength: 60 }))
      .map(([head, rest]) => Buffer.concat([bytesOf(head), rest]))
    const framed = fc
      .uint8Array({ maxLength: 40 })
      .map((body) => Buffer.concat([bytesOf('4b4e0001000000'), Buffer.from([body.length]), body]))
    const stream = fc.array(fc.oneof(headed, framed), { maxLength: 6 }).map((parts) => Buffer.concat(parts))
    fc.assert(
      fc.property(stream.chain((wire) => fc.tuple(fc.constant(wire), chunkingOf(wire))), ([wire, chunks]) => {
        const { channel, collector, decoder, reader } = decoding({ maxBodyLength: 64 })
        for (const chunk of chunks) if (chunk.length > 0) reader.read(chunk)
        channel.close()
        const [first, second, ...more] = collector.errors as DecoderError[]
        assert.ok(first === undefined || first instanceof DecoderError)
        assert.ok(second === undefined || second.code === 'ERR_KNOTTY_DECODER_FAILED_BEFORE')
        assert.deepEqual(more, [])
        assert.ok(decoder.copiedBytes <= 4 * wire.length + 4 * (8 + 64), `${decoder.copiedBytes} bytes copied`)
        reader.assertReleased()
      }),
      { numRuns: 500 },
    )
  })

  test('refuses options that do not go together, naming them', () => {
    const cases: [Partial<HeadContentOptions>, RegExp][] = [
      [{ type: undefined as never }, /type: undefined \(expected: a protobufjs Type/],
      [{ type: {} as never }, /type: object/],
      [{ magic: 0x10000 }, /magic: 65536 \(expected: an integer from 0 to 65535\)/],
      [{ magic: '4b4e' as never }, /magic: '4b4e'/],
      [{ version: 256, versionFieldLength: 1 }, /version: 256 .*0 to 255/],
      [{ versionFieldLength: 3 }, /versionFieldLength: 3 \(expected: 1 or 2\)/],
      [{ lengthFieldLength: 8 }, /lengthFieldLength: 8 \(expected: 2 or 4\)/],
      [{ maxBodyLength: 0 }, /maxBodyLength: 0/],
      [{ maxBodyLength: Infinity }, /maxBodyLength: Infinity/],
      [{ maxBodyLength: 2 ** 31 }, /maxBodyLength: 2147483648 \(expected: at most 2147483647 with lengthFieldLength: 4\)/],
      [{ maxBodyLength: 65536, lengthFieldLength: 2 }, /at most 65535/],
    ]
    for (const [options, message] of cases) {
      const isExpected = (error: unknown): boolean => error instanceof IllegalArgumentError && message.test(error.message)
      assert.throws(() => decoding(options), isExpected, String(message))
      assert.throws(() => new ProtobufHeadContentEncoder({ type: Note, ...options }), isExpected)
    }
    assert.throws(() => new ProtobufHeadContentDecoder(undefined as never), /options: undefined/)
  })

  test('passes on what is no bytes', () => {
    const { channel, collector } = decoding()
    channel.writeInbound('text', Unpooled.copiedBuffer(bytesOf('4b4e 0001 00000000')))
    assert.equal(collector.messages[0], 'text')
    assert.equal(shown(collector.messages[1]), expected({}))
  })
})

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Buffer.from([...bytes, value])
}
