import { ByteBuf } from '@knotty/buffer'

/** Places of messages taken out are given back in steps of at least so many. */
const COMPACT_AT = 1024

/**
 * Messages that were read while another was being decoded, first in first out, with the sum of their bytes. It owns them.
 *
 *     items   | taken | taken | message | message |
 *             0               head
 */
export class ReadQueue {
  /** Readable bytes of the buffers in here. */
  bytes = 0
  private items: unknown[] = []
  private head = 0

  get isEmpty(): boolean {
    return this.head === this.items.length
  }

  push(msg: unknown): void {
    this.items.push(msg)
    if (ByteBuf.isByteBuf(msg)) this.bytes += msg.readableBytes
  }

  /** The first message, or undefined when there is none. */
  take(): unknown {
    if (this.isEmpty) return undefined
    const msg = this.items[this.head]
    this.items[this.head++] = undefined
    if (ByteBuf.isByteBuf(msg)) this.bytes -= msg.readableBytes
    // at least half of the places are moved out of the way, so each message is moved once on average
    if (this.head >= COMPACT_AT && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return msg
  }

  /** Releases the buffers; other messages stay, in order. */
  releaseBytes(): void {
    const items = this.items.slice(this.head)
    this.items = items.filter((msg) => !ByteBuf.isByteBuf(msg))
    this.head = 0
    this.bytes = 0
    for (const msg of items) if (ByteBuf.isByteBuf(msg)) msg.release()
  }
}
