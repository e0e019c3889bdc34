import { toError } from '@knotty/common'
import { ChannelOption } from '../channel/channel-option.js'
import type { OutboundBuffer } from '../channel/outbound-buffer.js'
import { AbstractSocketChannel } from './abstract-socket-channel.js'
import type { RawSocket } from './accepted-socket-guard.js'
import { checkSocketAddress, type SocketAddress } from './address.js'
import { checkSocketMessage } from './socket-message.js'
import { SOCKET_OPTIONS } from './socket-options.js'
import { GatheredWrite, type LentPieces, takeBack } from './write/gather-write.js'
import type { LoopMemory } from './write/loop-memory.js'
import type { PinnedSlabs } from './write/outbound-slab.js'

/** A write request under way: what it carries, and what it pins until the kernel has it. */
interface InFlight {
  /** Of the loop the channel belonged to when it wrote. */
  readonly memory: LoopMemory
  readonly bytes: number
  readonly slabs: PinnedSlabs
  readonly pieces: LentPieces
}

const gathered = new GatheredWrite()

/**
 * How a socket writes bytes, on libuv's handles and on node:net: at most one request is under way; a flush gathers up to 1 MiB into
 * one, and what is flushed meanwhile goes with the next.
 */
export abstract class AbstractByteChannel<S extends RawSocket> extends AbstractSocketChannel<S> {
  /** The options a socket connection knows. */
  static readonly OPTIONS: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  /** The loop's, taken when the channel is registered with a socket: without memory the registration fails, where the guard closes it. */
  protected memory: LoopMemory | undefined = undefined
  protected inFlight: InFlight | undefined = undefined
  private leftAt = 0

  /**
   * Hands the chunks over, in one request; the array itself is used again. True when the kernel took all at once; otherwise
   * {@link writeCompleted} is called later, and the transport keeps the chunks alive until then.
   */
  protected abstract send(socket: S, chunks: readonly Buffer[]): boolean

  get supportedOptions(): ReadonlySet<ChannelOption<unknown>> {
    return SOCKET_OPTIONS
  }

  override get bytesLeftAt(): number {
    return this.leftAt
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkSocketAddress(address)
  }

  protected filterOutboundMessage(msg: unknown): unknown {
    return checkSocketMessage(msg)
  }

  /** What was set before there was a socket, and the default of TCP_NODELAY. */
  protected applyOptions(): void {
    this.socketOptionChanged(ChannelOption.TCP_NODELAY, this.config.getOption(ChannelOption.TCP_NODELAY) ?? true)
    const keepAlive = this.config.getOption(ChannelOption.SO_KEEPALIVE)
    if (keepAlive !== undefined) this.socketOptionChanged(ChannelOption.SO_KEEPALIVE, keepAlive)
  }

  protected override get sendsPrefixes(): boolean {
    return true
  }

  protected doWrite(outboundBuffer: OutboundBuffer): void {
    for (let requests = this.config.writeSpinCount; requests > 0; requests--) {
      if (this.inFlight !== undefined || !this.isActive || outboundBuffer.isEmpty) return
      this.writeOnce(outboundBuffer)
    }
    if (!outboundBuffer.isEmpty && this.inFlight === undefined) this.later(() => this.flushMarked())
  }

  /** The kernel took the rest of the request under way, or never will. */
  protected writeCompleted(error: Error | undefined): void {
    const { memory, bytes, slabs, pieces } = this.inFlight as InFlight
    this.inFlight = undefined
    memory.outbound.unpin(slabs)
    takeBack(pieces)
    if (error === undefined) this.leftAt = this.eventLoop.ticker.now() // also behind a shutdownOutput()
    const outboundBuffer = this.outboundBuffer
    // After close the callback may even say success: the messages have failed already, whatever it says.
    if (!this.isActive || outboundBuffer === undefined) return
    if (error !== undefined) return this.handleWriteError(error)
    this.inFlush = true
    try {
      this.completed(outboundBuffer, bytes)
    } catch (thrown) {
      return this.handleWriteError(toError(thrown)) // the message that was sent in part was released too early
    } finally {
      this.inFlush = false
    }
    this.flushMarked()
  }

  /** One request. Taken whole at once: its messages complete here; otherwise in {@link writeCompleted}. */
  private writeOnce(outboundBuffer: OutboundBuffer): void {
    const memory = this.memory as LoopMemory
    const slabs = memory.outbound
    const { chunks } = gathered
    let bytes = 0
    let atOnce = true
    slabs.begin()
    try {
      gathered.gather(outboundBuffer, memory, this.config.copyThresholdBytes)
      bytes = gathered.bytes
      if (bytes > 0) {
        this.eventLoop.counters.writeRequests++
        atOnce = this.send(this.socket as S, chunks)
      }
    } catch (error) {
      // The socket failed, or a message was released too early: what was gathered must not stay taken.
      gathered.clear()
      slabs.giveBack()
      throw error
    }
    if (atOnce) {
      gathered.clear()
      slabs.giveBack()
      return this.completed(outboundBuffer, bytes)
    }
    this.eventLoop.counters.asyncWriteRequests++
    this.inFlight = { memory, bytes, slabs: slabs.pin(), pieces: gathered.lend() }
    gathered.clear()
  }

  private completed(outboundBuffer: OutboundBuffer, bytes: number): void {
    const now = this.eventLoop.ticker.now()
    if (bytes > 0) {
      this.bytesWritten += bytes
      this.leftAt = now
    }
    // A request may end inside a large message: that is progress, and no completed write. First: listeners may look at it.
    if (outboundBuffer.endsWithin(bytes)) this.lastWriteCompletedAt = now
    outboundBuffer.removeBytes(bytes)
  }
}
