import type { Channel } from '@knotty/transport'

/**
 * Whether anything has moved in a channel's outbound buffer since one looked last: a message left, one was added or flushed, or bytes of
 * the current one were taken. It keeps numbers and no message, so it holds no memory.
 */
export class OutputWatch {
  /** Undefined: the first look finds a change. */
  private writtenAt: number | undefined = undefined
  private nothingFlushed: boolean
  private pendingBytes: number
  private progress: number

  constructor(channel: Channel) {
    const buffer = channel.outboundBuffer
    this.nothingFlushed = buffer?.isEmpty ?? true
    this.pendingBytes = buffer?.totalPendingWriteBytes ?? 0
    this.progress = buffer?.currentProgress ?? 0
  }

  /** One change is enough; the others are found by the next look. With `onlyNote` all are noted, and the answer is false. */
  changed(channel: Channel, writtenAt: number, onlyNote: boolean): boolean {
    if (this.writtenAt !== writtenAt) {
      this.writtenAt = writtenAt
      if (!onlyNote) return true
    }
    const buffer = channel.outboundBuffer
    if (buffer === undefined) return false
    if (this.nothingFlushed !== buffer.isEmpty || this.pendingBytes !== buffer.totalPendingWriteBytes) {
      this.nothingFlushed = buffer.isEmpty
      this.pendingBytes = buffer.totalPendingWriteBytes
      if (!onlyNote) return true
    }
    if (this.progress !== buffer.currentProgress) {
      this.progress = buffer.currentProgress
      if (!onlyNote) return true
    }
    return false
  }
}
