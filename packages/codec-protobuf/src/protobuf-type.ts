import { isReferenceCounted } from '@knotty/buffer'
import { IllegalArgumentError } from '@knotty/common'

/**
 * What the codecs need of a message type: a `Type` of protobufjs, a class that pbjs generated, or an object of your own with the same
 * methods. Connections that carry several kinds of message have one type with a `oneof` of them.
 *
 *     const { root } = protobuf.parse('syntax = "proto3"; message Point { sint32 x = 1; sint32 y = 2; }')
 *     const type = root.lookupType('Point')
 */
export interface ProtobufType {
  /** The message in these bytes; throws when they are none. */
  decode(bytes: Uint8Array): object
  /** Begins to write a message; `finish(true)` gives the bytes and may give them as a view that the next call overwrites. */
  encode(message: object): { finish(shared?: boolean): Uint8Array }
  /** What is wrong with a message that is about to be encoded, null when nothing is. protobufjs encodes wrong values as they come. */
  verify?(message: object): string | null
}

/** `type` when it can decode and encode; otherwise an {@link IllegalArgumentError} that says what was given. */
export function checkProtobufType(type: ProtobufType): ProtobufType {
  const given = type as unknown
  const methods = given as Partial<ProtobufType> | null
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function'
  if (isObject && typeof methods?.decode === 'function' && typeof methods.encode === 'function') return type
  const kind = given === null ? 'null' : typeof given
  throw new IllegalArgumentError(`type: ${kind} (expected: a protobufjs Type, or an object with decode and encode)`)
}

/** True for what an encoder takes as a message: an object that is neither bytes nor a list nor counted. All else passes on. */
export function isProtobufMessage(msg: unknown): msg is object {
  return typeof msg === 'object' && msg !== null && !ArrayBuffer.isView(msg) && !Array.isArray(msg) && !isReferenceCounted(msg)
}
