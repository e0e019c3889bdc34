import { release, retain, Unpooled } from '@knotty/buffer'
import { IllegalArgumentError, toError } from '@knotty/common'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { OutboundBuffer } from '../../channel/outbound-buffer.js'
import { AbstractSocketChannel } from '../abstract-socket-channel.js'
import { LocalSocketAddress, type SocketAddress } from '../address.js'
import { STREAM_OPTIONS } from '../socket-options.js'
import { connectLocal, freeLocalAddress } from './local-registry.js'
import { type LocalSocket, type LocalSocketOwner, sizeOf } from './local-socket.js'

const OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set<ChannelOption<unknown>>([...STREAM_OPTIONS, ChannelOption.SO_RCVBUF])
const DEFAULT_RECEIVE_BUFFER_BYTES = 65536

/**
 * A connection within this process: same events in the same order as a socket's, without one. Any message passes, by reference: a
 * ByteBuf is retained for the reader, who releases it.
 */
export class LocalChannel extends AbstractSocketChannel<LocalSocket> implements LocalSocketOwner {
  readonly transport: TransportName = 'local'
  static readonly OPTIONS: ReadonlySet<ChannelOption<unknown>> = OPTIONS
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = OPTIONS

  get receiveBufferBytes(): number {
    return this.config.getOption(ChannelOption.SO_RCVBUF) ?? DEFAULT_RECEIVE_BUFFER_BYTES
  }

  execute(task: () => void): void {
    this.later(task)
  }

  onMessage(msg: unknown, bytes: number, more: () => boolean): void {
    this.chunkRead(msg, bytes, more)
  }

  onEnd(): void {
    this.inputEnd()
  }

  onReset(error: Error): void {
    this.readFailed(error)
  }

  onWritable(): void {
    this.flushMarked()
  }

  protected own(socket: LocalSocket): void {
    socket.owner = this
  }

  protected prepare(): void {}

  protected attempt(
    address: SocketAddress,
    _local: SocketAddress | undefined,
    done: (error: Error | undefined) => void,
  ): () => void {
    let over = false
    this.eventLoop.execute(() => {
      if (over) return
      over = true
      let failure: Error | undefined
      try {
        this.adopt(connectLocal(address as LocalSocketAddress, this.boundTo()), address)
      } catch (error) {
        failure = toError(error)
      }
      done(failure)
    })
    return () => {
      over = true
    }
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkLocalAddress(address)
  }

  protected closeSocket(socket: LocalSocket, reset: boolean): void {
    if (reset) socket.reset()
    else socket.close()
  }

  protected localAddressOf(socket: LocalSocket): SocketAddress {
    return socket.address
  }

  protected remoteAddressOf(socket: LocalSocket): SocketAddress {
    return socket.peerAddress
  }

  protected readStart(socket: LocalSocket): void {
    socket.startReading()
  }

  protected readStop(socket: LocalSocket): void {
    socket.stopReading()
  }

  protected sendFin(socket: LocalSocket, done: (error: Error | undefined) => void): void {
    socket.end()
    this.later(() => done(undefined))
  }

  protected filterOutboundMessage(msg: unknown): unknown {
    return msg
  }

  protected doWrite(outboundBuffer: OutboundBuffer): void {
    while (!outboundBuffer.isEmpty && this.socket !== undefined && this.outboundBuffer === outboundBuffer) {
      const msg = outboundBuffer.current
      // An empty buffer is nothing to a socket's peer either (closeAfterFlush writes one).
      if (msg !== undefined && msg !== Unpooled.EMPTY_BUFFER) {
        const bytes = sizeOf(msg)
        if (!this.give(this.socket, msg)) return
        this.bytesWritten += bytes
        this.lastWriteCompletedAt = this.eventLoop.ticker.now()
      }
      outboundBuffer.remove()
    }
  }

  /** Retained first: a message that was released already must not reach the peer. */
  private give(socket: LocalSocket, msg: unknown): boolean {
    retain(msg)
    let taken = false
    try {
      taken = socket.push(msg)
    } finally {
      if (!taken) release(msg)
    }
    return taken
  }

  private boundTo(): LocalSocketAddress {
    return this.local instanceof LocalSocketAddress ? this.local : freeLocalAddress()
  }
}

/** The address itself; an IllegalArgumentError when it is none within the process. */
export function checkLocalAddress(address: SocketAddress): LocalSocketAddress {
  if (address instanceof LocalSocketAddress) return address
  throw new IllegalArgumentError(`'${address.toString()}': this is a local channel (expected: { localId })`)
}
