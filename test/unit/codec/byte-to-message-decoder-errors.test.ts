import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { type ByteBuf, Unpooled } from '@knotty/buffer'
import { ByteToMessageDecoder, CorruptedFrameError, DecoderError, TooLongFrameError } from '@knotty/codec'
import { type ChannelHandlerContext, EmbeddedChannel } from '@knotty/transport'
import { byInt, bytesOf, Collector, decoding, TestDecoder } from './support.js'

const boom = new Error('boom')

/** Bytes one by one; 0xff throws after it was read. */
const untilFf = (_ctx: unknown, input: ByteBuf, out: unknown[]): void => {
  const byte = input.readUnsignedByte()
  if (byte === 0xff) throw boom
  out.push(byte)
}

describe('an error of decode', () => {
  test('is a DecoderError with the original as cause, after the messages that were decoded before', () => {
    const { collector, reader } = decoding(new TestDecoder(untilFf))
    reader.read(bytesOf('0102ff03'))
    assert.deepEqual(collector.takeLog(), ['msg 1', 'msg 2', 'error DecoderError', 'readComplete'])
    const [error] = collector.errors as DecoderError[]
    assert.equal(error?.code, 'ERR_KNOTTY_DECODER')
    assert.equal(error?.cause, boom)
    assert.match(error.message, /TestDecoder.*boom/)
    reader.assertReleased()
  })

  test('comes after the messages that the failing call itself had added', () => {
    const decoder = new TestDecoder((_ctx, input, out) => {
      out.push('half', input.readByte())
      throw boom
    })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('05'))
    assert.deepEqual(collector.takeLog(), ['msg half', 'msg 5', 'error DecoderError', 'readComplete'])
  })

  test('stays what it is when it is a DecoderError already', () => {
    const corrupted = new CorruptedFrameError('no')
    const { collector, reader } = decoding(
      new TestDecoder(() => {
        throw corrupted
      }),
    )
    reader.read(bytesOf('00'))
    assert.equal(collector.errors[0], corrupted)
  })

  test('goes to exceptionCaught of the decoder itself first', () => {
    const seen: unknown[] = []
    class Handling extends TestDecoder {
      exceptionCaught(_ctx: ChannelHandlerContext, error: Error): void {
        seen.push(error.cause)
      }
    }
    const { collector, reader } = decoding(new Handling(untilFf))
    reader.read(bytesOf('ff'))
    assert.deepEqual(seen, [boom])
    assert.deepEqual(collector.errors, [])
  })

  test('that adds a message without reading anything is one too, because it would never end', () => {
    const { collector, reader } = decoding(new TestDecoder((_ctx, _input, out) => void out.push('x')))
    reader.read(bytesOf('00'))
    assert.deepEqual(collector.messages, ['x'])
    assert.match(collector.errors[0]?.message ?? '', /TestDecoder\.decode\(\) did not read anything but decoded a message/)
  })
})

describe('after an error without resynchronise', () => {
  test('decode is never called again, bytes are released, and one more DecoderError says so, once', () => {
    const decoder = new TestDecoder(untilFf)
    const { channel, collector, reader } = decoding(decoder)
    reader.read(bytesOf('ff0102'))
    assert.deepEqual(decoder.calls, [3])
    assert.equal(decoder.unreadBytes, 0)
    for (let i = 0; i < 3; i++) reader.read(bytesOf('0405'))
    channel.finish()
    assert.deepEqual(decoder.calls, [3])
    assert.equal(collector.errors.length, 2)
    const later = collector.errors[1] as DecoderError
    assert.equal(later.code, 'ERR_KNOTTY_DECODER_FAILED_BEFORE')
    assert.equal(later.cause, collector.errors[0])
    assert.match(later.message, /2 bytes/)
    assert.equal(collector.log.at(-1), 'inactive')
    reader.assertReleased()
  })

  test('decodeLast is not called and other messages still pass', () => {
    let last = 0
    const { channel, collector, reader } = decoding(new TestDecoder(untilFf, {}, () => void last++))
    reader.read(bytesOf('ff'))
    channel.writeInbound('text')
    channel.finish()
    assert.equal(last, 0)
    assert.deepEqual(collector.messages, ['text'])
  })

  test('an empty chunk is nothing to report', () => {
    const { collector, reader } = decoding(new TestDecoder(untilFf))
    reader.read(bytesOf('ff'))
    reader.read(bytesOf(''))
    assert.equal(collector.errors.length, 1)
  })

  test('removal passes no bytes on', () => {
    const decoder = new TestDecoder(untilFf)
    const { channel, collector, reader } = decoding(decoder)
    reader.read(bytesOf('ff01'))
    channel.pipeline.remove(decoder)
    assert.deepEqual(collector.messages, [])
    assert.equal(decoder.removals, 1)
    reader.assertReleased()
  })
})

describe('after an error with resynchronise', () => {
  test('the bytes that were not read are decoded together with the next chunk', () => {
    const decoder = new TestDecoder(untilFf, { resynchronise: true })
    const { collector, reader } = decoding(decoder)
    reader.read(bytesOf('01ff0203'))
    assert.equal(decoder.unreadBytes, 2)
    reader.read(bytesOf('04'))
    assert.deepEqual(collector.takeLog(), ['msg 1', 'error DecoderError', 'readComplete', 'msg 2', 'msg 3', 'msg 4', 'readComplete'])
    reader.assertReleased()
  })

  test('the bytes that are left are decoded when the channel closes', () => {
    const { channel, collector, reader } = decoding(new TestDecoder(untilFf, { resynchronise: true }))
    reader.read(bytesOf('ff0203'))
    collector.takeLog()
    channel.finish()
    assert.deepEqual(collector.takeLog(), ['msg 2', 'msg 3', 'readComplete', 'inactive'])
  })
})

describe('a Promise', () => {
  const assertAsyncError = (error: unknown, method: string): void => {
    assert.ok(error instanceof DecoderError)
    assert.equal(error.code, 'ERR_KNOTTY_ASYNC_CODEC')
    assert.ok(error.message.includes(`${method}() returned a Promise`), error.message)
  }

  test('from decode is a typed error, and its rejection does not end the process', async () => {
    const { collector, reader } = decoding(new TestDecoder(() => Promise.reject(boom)))
    reader.read(bytesOf('00'))
    assertAsyncError(collector.errors[0], 'decode')
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('from decodeLast is one too', () => {
    const { channel, collector } = decoding(new TestDecoder(byInt, {}, () => Promise.resolve()))
    channel.finish()
    assertAsyncError(collector.errors[0], 'decodeLast')
  })
})

describe('maxCumulationBytes', () => {
  const assertLimit = (error: unknown, ...numbers: number[]): void => {
    assert.ok(error instanceof TooLongFrameError)
    assert.equal(error.code, 'ERR_KNOTTY_CUMULATION_LIMIT')
    assert.match(error.message, /maxCumulationBytes: 10 exceeded/)
    for (const number of numbers) assert.ok(error.message.includes(` ${number} `), error.message)
  }

  test('bounds the bytes that wait; the error names the limit and how many there were', () => {
    const decoder = new TestDecoder(() => undefined, { maxCumulationBytes: 10 })
    const { collector, reader } = decoding(decoder)
    reader.read(Buffer.alloc(6))
    reader.read(Buffer.alloc(4))
    assert.deepEqual(collector.errors, [])
    reader.read(Buffer.alloc(3))
    assertLimit(collector.errors[0], 13)
    assert.equal(decoder.unreadBytes, 0)
    reader.assertReleased()
  })

  test('does not bound what is decoded at once: only unread bytes count', () => {
    const { collector, reader } = decoding(new TestDecoder(byInt, { maxCumulationBytes: 10 }))
    reader.read(Buffer.alloc(4003))
    reader.read(Buffer.alloc(4003))
    assert.equal(collector.messages.length, 2001)
    assert.deepEqual(collector.errors, [])
  })

  test('refuses announced bytes before they come', () => {
    const decoder = new TestDecoder((_ctx, input) => 100 - input.readableBytes, { maxCumulationBytes: 10 })
    const { collector, reader } = decoding(decoder)
    reader.read(Buffer.alloc(4))
    assertLimit(collector.errors[0], 4, 96)
    assert.equal(decoder.copiedBytes, 0)
  })

  test('refuses bytes that are announced when the first ones have come', () => {
    const decoder = new TestDecoder((_ctx, input) => (input.readableBytes < 4 ? 4 - input.readableBytes : 100), { maxCumulationBytes: 10 })
    const { collector, reader } = decoding(decoder)
    reader.read(Buffer.alloc(2))
    reader.read(Buffer.alloc(4))
    assertLimit(collector.errors[0], 4, 100)
    reader.assertReleased()
  })

  test('is final with resynchronise too, since bytes were lost; an error before it is told first', () => {
    const decoder = new TestDecoder(untilFf, { maxCumulationBytes: 10, resynchronise: true })
    const { collector, reader } = decoding(decoder)
    reader.read(Buffer.concat([bytesOf('ff'), Buffer.alloc(11)]))
    assert.equal((collector.errors[0] as DecoderError).cause, boom)
    assertLimit(collector.errors[1], 11)
    reader.read(bytesOf('0102'))
    assert.deepEqual(collector.messages, [])
    assert.equal((collector.errors[2] as DecoderError).code, 'ERR_KNOTTY_DECODER_FAILED_BEFORE')
    reader.assertReleased()
  })
})

test('an uncaught error closes the channel where the tail does so, and the decoder takes that in good order', () => {
  const collector = new Collector()
  const decoder = new TestDecoder(untilFf)
  const channel = new EmbeddedChannel(decoder)
  channel.pipeline.closeOnUncaught = true
  assert.throws(() => channel.writeInbound(Unpooled.wrappedBuffer(bytesOf('01ff02'))), DecoderError)
  assert.equal(channel.isOpen, false)
  assert.deepEqual(channel.inboundMessages, [1])
  assert.deepEqual(collector.errors, [])
  assert.equal(decoder.removals, 1)
})

test('a message that is returned instead of being added is told, with the way it is added', () => {
  const { collector, reader } = decoding(new TestDecoder(((_ctx: unknown, input: ByteBuf) => ({ value: input.readByte() })) as never))
  reader.read(bytesOf('01'))
  assert.match(String(collector.errors[0]), /returned a value of type object.*out\.push\(msg\)/)
})

test('a subclass without decode is told when it is added', () => {
  abstract class Empty extends ByteToMessageDecoder {}
  const make = Empty as unknown as new () => Empty // as JavaScript may
  assert.throws(() => new EmbeddedChannel(new make()).checkException(), /Empty has no method decode\(ctx, input, out\)/)
})
