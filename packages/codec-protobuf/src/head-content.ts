import { checkOptions, checkPositiveInteger, IllegalArgumentError, shown } from '@knotty/common'
import { checkProtobufType, type ProtobufType } from './protobuf-type.js'

/** What {@link HeadContentOptions.magic} is unless given: the letters KN. */
export const DEFAULT_MAGIC: number = 0x4b4e
/** What {@link HeadContentOptions.maxBodyLength} is unless given: 1 MiB. */
export const DEFAULT_MAX_BODY_LENGTH: number = 1024 * 1024
/** Bytes of the magic number. */
export const MAGIC_LENGTH = 2

/** Options of the head-content decoder and encoder; both ends of a connection have the same. */
export interface HeadContentOptions {
  /** The type of all messages. */
  readonly type: ProtobufType
  /** The first two bytes of each message, 0..65535 (0x4B4E, the letters KN). They find a peer that speaks something else. */
  readonly magic?: number
  /** The version of your protocol (1), as many bytes as `versionFieldLength` says. */
  readonly version?: number
  /** Size of the version in bytes: 1 or 2 (2). */
  readonly versionFieldLength?: number
  /** Size of the length in bytes: 2, unsigned, or 4, signed as Java's int (4). */
  readonly lengthFieldLength?: number
  /** The longest body taken and sent, in bytes (1 MiB), at most what the length field can hold. */
  readonly maxBodyLength?: number
}

/** {@link HeadContentOptions}, checked and complete, and where things are in the header. */
export interface HeadContent {
  readonly type: ProtobufType
  readonly magic: number
  readonly version: number
  readonly versionFieldLength: number
  readonly lengthFieldLength: number
  readonly maxBodyLength: number
  /** Where the length begins. */
  readonly lengthOffset: number
  /** Where the body begins. */
  readonly headerLength: number
}

/** An {@link IllegalArgumentError} that names the option and its value when something is wrong. */
export function checkHeadContent(options: HeadContentOptions): HeadContent {
  checkOptions(options, '{ type, magic, version, maxBodyLength }')
  const type = checkProtobufType(options.type)
  const versionFieldLength = checkOneOf(options.versionFieldLength ?? 2, [1, 2], 'versionFieldLength')
  const lengthFieldLength = checkOneOf(options.lengthFieldLength ?? 4, [2, 4], 'lengthFieldLength')
  const magic = checkUpTo(options.magic ?? DEFAULT_MAGIC, 0xffff, 'magic')
  const version = checkUpTo(options.version ?? 1, versionFieldLength === 1 ? 0xff : 0xffff, 'version')
  const most = lengthFieldLength === 2 ? 0xffff : 0x7fffffff
  const maxBodyLength = checkPositiveInteger(options.maxBodyLength ?? Math.min(DEFAULT_MAX_BODY_LENGTH, most), 'maxBodyLength')
  if (maxBodyLength > most) {
    const expected = `at most ${most} with lengthFieldLength: ${lengthFieldLength}`
    throw new IllegalArgumentError(`maxBodyLength: ${maxBodyLength} (expected: ${expected})`)
  }
  const lengthOffset = MAGIC_LENGTH + versionFieldLength
  const headerLength = lengthOffset + lengthFieldLength
  return { type, magic, version, versionFieldLength, lengthFieldLength, maxBodyLength, lengthOffset, headerLength }
}

function checkOneOf(value: number, allowed: readonly number[], name: string): number {
  if (!allowed.includes(value)) throw new IllegalArgumentError(`${name}: ${shown(value)} (expected: ${allowed.join(' or ')})`)
  return value
}

function checkUpTo(value: number, most: number, name: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new IllegalArgumentError(`${name}: ${shown(value)} (expected: an integer from 0 to ${most})`)
}
