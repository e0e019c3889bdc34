import type { LoadMode } from './load-options.js'

const HEADER_BYTES = 4
/** How many of the pieces that end at random bytes are made before: enough that no server learns them by heart. */
const CUTS = 1024

/** The bytes of one batch, and how many of them come back before the next batch is sent. */
export interface Batch {
  readonly bytes: Buffer
  /** All but those of a frame that has only begun, and those of one that began in the batch before. */
  readonly replyBytes: number
  /** Where in the stream of equal messages the next batch begins, as an offset within a message. */
  readonly nextOffset: number
}

/**
 * One message after another, all equal, so that any place in it is known by its offset within a message:
 *
 *     aligned   | 00 00 00 40 | 64 bytes | 00 00 00 40 | 64 bytes |    one batch: `inFlight` of them
 *     cut       from where the batch before ended to a random byte within half a message of `inFlight` messages later
 *     raw       | 64 bytes | 64 bytes |
 */
export class MessageStream {
  /** Bytes of a message with its header. */
  readonly unitBytes: number
  private readonly inFlight: number
  private readonly mode: LoadMode
  private readonly stream: Buffer
  private readonly whole: Batch
  /** For the offset at which a batch begins: batches that end at random bytes; made when first needed. */
  private readonly cutBatches: Batch[][] = []
  private cuts = 0

  constructor(mode: LoadMode, size: number, inFlight: number) {
    const header = mode === 'raw' ? 0 : HEADER_BYTES
    const unit = Buffer.alloc(header + size)
    if (header > 0) unit.writeUInt32BE(size)
    for (let index = header; index < unit.length; index++) unit[index] = index * 7 + 13
    this.mode = mode
    this.unitBytes = unit.length
    this.inFlight = inFlight
    this.stream = Buffer.allocUnsafeSlow(unit.length * (inFlight + 3)).fill(unit)
    this.whole = this.messages(inFlight)
  }

  /** So many whole messages. */
  messages(count: number): Batch {
    const bytes = this.stream.subarray(0, count * this.unitBytes)
    return { bytes, replyBytes: bytes.length, nextOffset: 0 }
  }

  /** What a connection sends next that has stopped at this offset within a message. */
  next(offset: number): Batch {
    if (this.mode !== 'cut') return this.whole
    const batches = (this.cutBatches[offset] ??= [])
    const index = this.cuts++ % Math.max(1, Math.ceil(CUTS / this.unitBytes))
    return (batches[index] ??= this.cutAnywhere(offset))
  }

  /** Whether these bytes, the first `count` of `chunk`, are those of the stream from this offset within a message. */
  matches(chunk: Buffer, count: number, offset: number): boolean {
    for (let at = 0; at < count; ) {
      const from = (offset + at) % this.unitBytes
      const length = Math.min(count - at, this.stream.length - from)
      if (chunk.compare(this.stream, from, from + length, at, at + length) !== 0) return false
      at += length
    }
    return true
  }

  private cutAnywhere(offset: number): Batch {
    const { unitBytes, inFlight } = this
    const end = Math.max(offset + 1, offset + inFlight * unitBytes + Math.floor((Math.random() - 0.5) * unitBytes))
    const nextOffset = end % unitBytes
    return { bytes: this.stream.subarray(offset, end), replyBytes: end - nextOffset, nextOffset }
  }
}
