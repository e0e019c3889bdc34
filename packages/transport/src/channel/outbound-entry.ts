import { ByteBuf, release } from '@knotty/buffer'
import { getLogger } from '@knotty/common'
import type { ChannelPromise } from './channel-promise.js'

/** At most so many entries are kept for reuse in this thread. */
const MAX_POOLED_ENTRIES = 4096

/**
 * One message that waits to be sent, with up to four bytes that go before it.
 *
 *     prefix 0x0000012c, prefixBytes 4:   | 00 00 01 2c | message … |
 *     two of them have left:                    | 01 2c | message … |
 *
 * Entries are linked, and pooled: whoever looks at one keeps it no longer than the buffer does.
 */
export class OutboundEntry {
  next: OutboundEntry | undefined = undefined
  msg: unknown = undefined
  promise: ChannelPromise | null = null
  /** What it counts towards the water marks. */
  pending = 0
  /** Bytes of it that left already, those of the prefix included. */
  progress = 0
  cancelled = false
  /** The bytes before the message, as one number, the most significant byte first. */
  prefix = 0
  /** How many bytes of {@link prefix} have not left: its low ones. */
  prefixBytes = 0

  /** Bytes to send; -1 for a message that is no buffer. */
  get size(): number {
    if (this.cancelled) return 0
    const bytes = bufferBytes(this.msg)
    return bytes < 0 ? bytes : bytes + this.prefixBytes
  }

  /** `bytes` of it have left, and some are still to come. */
  advance(bytes: number): void {
    this.progress += bytes
    const ofPrefix = Math.min(bytes, this.prefixBytes)
    this.prefixBytes -= ofPrefix
    if (ByteBuf.isByteBuf(this.msg)) this.msg.skipBytes(bytes - ofPrefix)
    else this.msg = (this.msg as Uint8Array).subarray(bytes - ofPrefix)
  }
}

let pool: OutboundEntry | undefined = undefined
let pooled = 0

/** An entry to be filled; give it back with {@link recycle}. */
export function takeEntry(): OutboundEntry {
  const entry = pool
  if (entry === undefined) return new OutboundEntry()
  pool = entry.next
  pooled--
  entry.next = undefined
  return entry
}

/** Nobody looks at the entry any more. */
export function recycle(entry: OutboundEntry): void {
  entry.msg = undefined
  entry.promise = null
  entry.progress = 0
  entry.cancelled = false
  entry.prefixBytes = 0
  if (pooled >= MAX_POOLED_ENTRIES) {
    entry.next = undefined
    return
  }
  entry.next = pool
  pool = entry
  pooled++
}

/** A message that was released once too often must not keep the promises behind it from completing. */
export function releaseSafely(msg: unknown): void {
  try {
    if (msg instanceof ByteBuf) msg.release()
    else release(msg)
  } catch (error) {
    getLogger().warn('a written message could not be released: somebody released it although write() had taken it over', error)
  }
}

/** Readable bytes; -1 for a message that is no buffer. */
export function bufferBytes(msg: unknown): number {
  if (ByteBuf.isByteBuf(msg)) return msg.readableBytes
  return msg instanceof Uint8Array ? msg.byteLength : -1
}
