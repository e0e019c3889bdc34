import { Buffer } from 'node:buffer'
import { EncoderError } from '@knotty/codec'
import { toError } from '@knotty/common'
import protobuf from 'protobufjs'
import { MalformedProtobufError } from './errors.js'
import type { ProtobufType } from './protobuf-type.js'

/**
 * protobufjs gives a field of type `bytes` as a view of what it reads. Ours is borrowed, from the read slab or from a decoder, and soon
 * overwritten: so just these fields are copied.
 */
class CopyingReader extends protobuf.BufferReader {
  override raw(start: number, end: number): Buffer {
    return Buffer.from(super.raw(start, end))
  }
}

/**
 * The message in `bytes`, which may be overwritten afterwards. A Type of protobufjs reads them where they are; nobody knows of other
 * types what they keep, so those get a copy. A {@link MalformedProtobufError} for bytes that are no message.
 */
export function decodeBody(type: ProtobufType, bytes: Buffer): object {
  try {
    if (type instanceof protobuf.Type) return type.decode(new CopyingReader(bytes))
    return type.decode(Buffer.from(bytes))
  } catch (thrown) {
    const cause = toError(thrown)
    throw new MalformedProtobufError(`a body of ${bytes.length} bytes is no ${nameOf(type)}: ${cause.message}`, { cause })
  }
}

/**
 * The bytes of a message; to be copied before anything else is encoded. An {@link EncoderError} with code `ERR_KNOTTY_PROTOBUF_VERIFY` for
 * a message that the type's verify refuses.
 */
export function encodeBody(type: ProtobufType, message: object): Uint8Array {
  const problem = type.verify?.(message) ?? null
  if (problem !== null) throw new EncoderError(`this is no ${nameOf(type)}: ${problem}`, undefined, 'ERR_KNOTTY_PROTOBUF_VERIFY')
  return type.encode(message).finish(true)
}

function nameOf(type: ProtobufType): string {
  return (type as { readonly name?: unknown }).name?.toString() ?? 'message of the type'
}
