import { ByteBuf } from '@knotty/buffer'
import { EmbeddedChannel, type OutboundBuffer } from '@knotty/transport'
import { JavaError } from './java-names.js'

/** A transport that takes the bytes it was granted, and no more. */
export class GrantedChannel extends EmbeddedChannel {
  failNextWrite = false
  private granted: number

  constructor(granted: number) {
    super()
    this.granted = granted
  }

  /** Grants more, and lets the transport go on with what is flushed. */
  accept(bytes: number): void {
    this.granted += bytes
    this.flushMarked()
  }

  protected override doWrite(outboundBuffer: OutboundBuffer): void {
    if (this.failNextWrite) {
      this.failNextWrite = false
      throw new JavaError('IOException', 'the write failed')
    }
    const { completedMessages } = outboundBuffer
    this.take(outboundBuffer)
    if (outboundBuffer.completedMessages > completedMessages) this.lastWriteCompletedAt = this.eventLoop.ticker.now()
  }

  private take(outboundBuffer: OutboundBuffer): void {
    while (!outboundBuffer.isEmpty) {
      const msg = outboundBuffer.current
      if (!ByteBuf.isByteBuf(msg)) {
        outboundBuffer.remove()
        continue
      }
      const bytes = Math.min(msg.readableBytes, this.granted)
      if (bytes === 0 && msg.isReadable) return
      this.granted -= bytes
      outboundBuffer.removeBytes(bytes)
    }
  }
}
