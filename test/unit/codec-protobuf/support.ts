import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { type ByteBuf, ByteBufUtil } from '@knotty/buffer'
import { EmbeddedChannel, type ChannelHandler } from '@knotty/transport'
import * as fc from 'fast-check'
import protobuf from 'protobufjs'

/** One field of each kind that a reader treats in its own way; bytes also within others. */
const SOURCE = `
  syntax = "proto3";
  message Note {
    string text = 1;
    bytes data = 2;
    repeated sint32 numbers = 3;
    map<string, bytes> files = 4;
    Note inner = 5;
    repeated bytes parts = 6;
    double weight = 7;
    bool urgent = 8;
  }`

export const Note: protobuf.Type = protobuf.parse(SOURCE).root.lookupType('Note')

/** Any message of the type, nested at most twice, with every field set. */
export const note: fc.Arbitrary<object> = fc.letrec((tie) => ({
  note: fc.record({
    text: fc.string({ unit: 'grapheme', maxLength: 30 }),
    data: fc.uint8Array({ maxLength: 50 }),
    numbers: fc.array(fc.integer({ min: -0x80000000, max: 0x7fffffff }), { maxLength: 10 }),
    files: fc.dictionary(fc.string({ maxLength: 5 }), fc.uint8Array({ maxLength: 10 }), { maxKeys: 3, noNullPrototype: true }),
    inner: fc.option(tie('note'), { nil: undefined, maxDepth: 2 }),
    parts: fc.array(fc.uint8Array({ maxLength: 10 }), { maxLength: 3 }),
    weight: fc.double({ noNaN: true }),
    urgent: fc.boolean(),
  }),
})).note as fc.Arbitrary<object>

/** A message as text, so that instances and plain objects, Buffers and arrays compare as what they hold. */
export function shown(message: unknown): string {
  return JSON.stringify(Note.toObject(message as protobuf.Message, { bytes: String, defaults: true }))
}

/** What {@link shown} gives for a message after a way through protobufjs alone. */
export function expected(message: object): string {
  return shown(Note.decode(Note.encode(message).finish()))
}

/** What the handlers write for these messages, as one piece. */
export function encodeAll(handlers: readonly ChannelHandler[], messages: readonly unknown[]): Buffer {
  const channel = new EmbeddedChannel(...handlers)
  channel.writeOutbound(...messages)
  return Buffer.concat(channel.outboundMessages.splice(0).map((buffer) => Buffer.from(takeHex(buffer), 'hex')))
}

/** The bytes of a buffer, which is released, and had one reference only. */
export function takeHex(buffer: unknown): string {
  const hex = ByteBufUtil.hexDump(buffer as ByteBuf)
  assert.equal((buffer as ByteBuf).release(), true)
  return hex
}
