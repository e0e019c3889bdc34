import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { CorruptedFrameError, TooLongFrameError, Varint32FrameDecoder } from '@knotty/codec'
import {
  type HeadContentOptions,
  MalformedProtobufError,
  ProtobufDecoder,
  ProtobufHeadContentDecoder,
  WrongMagicError,
  WrongVersionError,
} from '@knotty/codec-protobuf'
import { ByteToMessageDecoderVerifier, type DecoderCase } from '@knotty/testing'
import { bytesOf } from '../codec/support.js'
import { Note } from './support.js'

const LONG = {
  text: 'hey',
  data: Buffer.from([1, 2, 3]),
  files: { a: Buffer.from([4]) },
  inner: { parts: [Buffer.from([5]), Buffer.from([6])] },
}

/** A message after a way through protobufjs alone. */
const decoded = (message: object): unknown => Note.decode(Note.encode(message).finish())

describe('whatever chunks the bytes come in', () => {
  const options: HeadContentOptions = { type: Note, maxBodyLength: 64 }
  const head = '4b4e 0001'
  const good = Buffer.concat([bytesOf(`${head} 00000000 ${head} 000000`), Note.encodeDelimited(LONG).finish()])
  const messages = [decoded({}), decoded(LONG)]
  const bad = (hex: string): Buffer => Buffer.concat([good, bytesOf(hex)])
  const final: DecoderCase[] = [
    { name: 'magic', input: bad('4b4f 0001 00000000'), messages, errors: [WrongMagicError] },
    { name: 'version', input: bad('4b4e 0002 00000000'), messages, errors: [WrongVersionError] },
    { name: 'sign', input: bad(`${head} ffffffff 00`), messages, errors: [CorruptedFrameError] },
    { name: 'cap', input: bad(`${head} 00000041 00`), messages, errors: [TooLongFrameError] },
    { name: 'body', input: bad(`${head} 00000002 0a7f ${head} 00000000`), messages, errors: [MalformedProtobufError] },
  ]

  test('ProtobufHeadContentDecoder', () => {
    const unfinished = bytesOf(`${head} 00000003 0a01`)
    new ByteToMessageDecoderVerifier(() => new ProtobufHeadContentDecoder(options)).verify([
      { input: good, messages },
      { input: Buffer.concat([good, unfinished]), messages, leftOver: unfinished },
      ...final,
    ])
  })

  test('ProtobufDecoder behind a Varint32FrameDecoder', () => {
    const stream = Buffer.concat([Note.encodeDelimited(LONG).finish(), bytesOf('00'), Note.encodeDelimited({ text: 'é' }).finish()])
    const all = [decoded(LONG), decoded({}), decoded({ text: 'é' })]
    new ByteToMessageDecoderVerifier(() => [new Varint32FrameDecoder({ maxFrameLength: 64 }), new ProtobufDecoder(Note)]).verify([
      { input: stream, messages: all },
      { name: 'malformed', input: Buffer.concat([bytesOf('02 0a7f'), stream]), messages: all, errors: [MalformedProtobufError] },
      { name: 'too long', input: Buffer.concat([bytesOf('41'), Buffer.alloc(65), stream]), messages: all, errors: [TooLongFrameError] },
    ])
  })
})
