/*
 * One message on the wire:
 *
 *     | magic 2 | version 1 | type 1 | length 4 | body: `length` bytes of UTF-8 |
 *     | 4b 4e   | 01        | 01..03 | unsigned, big-endian                     |
 */
export const MAGIC = 0x4b4e
export const VERSION = 1
export const HEADER_BYTES = 8
/** The longest body both sides take. Without such a cap four bytes of a stranger could reserve 4 GiB. */
export const MAX_BODY_BYTES: number = 64 * 1024

export const REQUEST = 1
export const RESPONSE = 2
export const FAILURE = 3

/** A message of the protocol. */
export class Message {
  readonly type: number
  readonly text: string

  /** @param type {@link REQUEST}, {@link RESPONSE} or {@link FAILURE} */
  constructor(type: number, text: string) {
    this.type = type
    this.text = text
  }
}
