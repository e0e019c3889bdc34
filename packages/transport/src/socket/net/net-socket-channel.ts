import net, { type NetConnectOpts } from 'node:net'
import { Unpooled } from '@knotty/buffer'
import { runInRootContext, toError } from '@knotty/common'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { OutboundBuffer } from '../../channel/outbound-buffer.js'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { AbstractSocketChannel } from '../abstract-socket-channel.js'
import { checkSocketAddress, type SocketAddress, TcpSocketAddress, UnixSocketAddress } from '../address.js'
import { checkSocketMessage } from '../socket-message.js'
import { KEEP_ALIVE_DELAY_SECONDS, SOCKET_OPTIONS } from '../socket-options.js'
import { fromNodeError } from '../uv-error.js'
import { GatheredWrite } from '../write/gather-write.js'
import { LoopMemory } from '../write/loop-memory.js'
import type { PinnedSlabs } from '../write/outbound-slab.js'
import { NetSocket, type NetSocketOwner } from './net-socket.js'

/** A write under way. */
interface InFlight {
  readonly memory: LoopMemory
  readonly bytes: number
  readonly slabs: PinnedSlabs
}

const gathered = new GatheredWrite()

/**
 * A TCP connection, or one over a Unix domain socket, on the public API of `node:net`: for platforms on which the handles of libuv were
 * not tested. Same events in the same order as LibuvSocketChannel.
 *
 * A paused socket may have read one chunk ahead: Node keeps it, and it comes with the next read().
 */
export class NetSocketChannel extends AbstractSocketChannel<NetSocket> implements NetSocketOwner {
  readonly transport: TransportName = 'net'
  /** The options a socket connection knows. */
  static readonly OPTIONS: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>> = SOCKET_OPTIONS
  private prepared = false
  private inFlight: InFlight | undefined = undefined
  /** What a write has failed with. */
  private writeError: Error | undefined = undefined

  override socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void {
    super.socketOptionChanged(option, value)
    // What is set before registration is applied then, together with the default of TCP_NODELAY. Node ignores both on a Unix socket.
    if (this.socket === undefined || !this.prepared) return
    if (option === ChannelOption.TCP_NODELAY) this.socket.socket.setNoDelay(value as boolean)
    if (option === ChannelOption.SO_KEEPALIVE) this.socket.socket.setKeepAlive(value as boolean, KEEP_ALIVE_DELAY_SECONDS * 1000)
  }

  onData(chunk: Buffer): void {
    this.event(() => this.chunkRead(Unpooled.wrappedBuffer(chunk), chunk.length))
  }

  onEnd(): void {
    this.event(() => this.inputEnd())
  }

  /** Of a write that failed, its callback has told already; Node closes the socket all the same. */
  onError(error: Error): void {
    if (error !== this.writeError) this.event(() => this.readFailed(fromNodeError(error, this.remote)))
  }

  /** Node has closed the socket, by itself: there was an error, or both directions have ended. */
  onClose(): void {
    // In a task: Bun closes a socket of which both directions have ended in the turn in which it tells of the second.
    this.event(() => this.later(() => this.close0(this.newPromise())))
  }

  protected own(socket: NetSocket): void {
    socket.attach(this)
  }

  protected prepare(_socket: NetSocket): void {
    if (this.prepared) return
    this.prepared = true
    this.socketOptionChanged(ChannelOption.TCP_NODELAY, this.config.getOption(ChannelOption.TCP_NODELAY) ?? true)
    const keepAlive = this.config.getOption(ChannelOption.SO_KEEPALIVE)
    if (keepAlive !== undefined) this.socketOptionChanged(ChannelOption.SO_KEEPALIVE, keepAlive)
  }

  protected attempt(
    address: SocketAddress,
    local: SocketAddress | undefined,
    done: (error: Error | undefined) => void,
  ): () => void {
    const raw = net.connect(connectOptions(address, local))
    const socket = new NetSocket(raw)
    let over = false
    const abandon = (): void => {
      if (over) return
      over = true
      socket.close()
    }
    const settle = (failure: Error | undefined): void => {
      if (over) return
      over = true
      let error = failure
      try {
        if (error === undefined) this.adopt(socket, address)
      } catch (thrown) {
        error = toError(thrown)
      }
      if (error !== undefined) socket.close()
      try {
        done(error)
      } catch (thrown) {
        reportNativeEntryError(thrown)
      }
    }
    raw.once('connect', () => runInRootContext(() => settle(undefined)))
    raw.once('error', (error: Error) => runInRootContext(() => settle(fromNodeError(error, address))))
    return abandon
  }

  protected checkAddress(address: SocketAddress): SocketAddress {
    return checkSocketAddress(address)
  }

  /** While FIN waits behind queued writes the socket cannot be reset: a try would leave it open for ever. */
  protected closeSocket(socket: NetSocket, reset: boolean): void {
    if (reset && !this.outputEnding && this.remote instanceof TcpSocketAddress) socket.reset()
    else socket.close()
  }

  protected localAddressOf({ socket }: NetSocket): SocketAddress | undefined {
    const { localAddress, localPort } = socket
    if (localAddress !== undefined && localPort !== undefined) return new TcpSocketAddress(localAddress, localPort)
    return this.parent?.localAddress // a Unix domain socket has its server's
  }

  protected remoteAddressOf(socket: NetSocket): SocketAddress | undefined {
    return remoteAddressOf(socket)
  }

  protected readStart({ socket }: NetSocket): void {
    socket.resume()
  }

  protected readStop({ socket }: NetSocket): void {
    socket.pause()
  }

  protected sendFin({ socket }: NetSocket, done: (error: Error | undefined) => void): void {
    socket.end((error?: Error | null) => this.callback(() => done(error ?? undefined)))
  }

  protected filterOutboundMessage(msg: unknown): unknown {
    return checkSocketMessage(msg)
  }

  /** At most one write is under way; what was flushed meanwhile goes with the next one. */
  protected doWrite(outboundBuffer: OutboundBuffer): void {
    for (let requests = this.config.writeSpinCount; requests > 0; requests--) {
      if (this.inFlight !== undefined || !this.isActive || outboundBuffer.isEmpty) return
      this.writeOnce(outboundBuffer)
    }
    if (!outboundBuffer.isEmpty && this.inFlight === undefined) this.later(() => this.flushMarked())
  }

  /** At most 1 MiB. Taken whole at once: its messages complete here; otherwise in the callback. */
  private writeOnce(outboundBuffer: OutboundBuffer): void {
    const memory = LoopMemory.of(this.eventLoop)
    const slabs = memory.outbound
    slabs.begin()
    try {
      gathered.gather(outboundBuffer, memory, this.config.copyThresholdBytes)
    } catch (error) {
      // A message that was released too early. What was gathered before it must not stay taken.
      gathered.clear()
      slabs.giveBack()
      throw error
    }
    const { bytes } = gathered
    const chunks = gathered.chunks.slice()
    gathered.clear()
    const last = chunks.pop()
    if (last === undefined) return outboundBuffer.removeBytes(0)
    const { counters } = this.eventLoop
    counters.writeRequests++
    let request: InFlight | undefined = undefined
    const { socket } = this.socket as NetSocket
    if (chunks.length > 0) socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.write(last, (error?: Error | null) => {
      if (request !== undefined) this.callback(() => this.written(request as InFlight, error ?? undefined))
    })
    if (chunks.length > 0) socket.uncork()
    // Nothing waits in the stream: the kernel took all of it, and the callback only comes later.
    if (socket.writableLength === 0 && socket.errored === null && !socket.destroyed) {
      slabs.giveBack()
      return this.completed(outboundBuffer, bytes)
    }
    counters.asyncWriteRequests++
    request = { memory, bytes, slabs: slabs.pin() }
    this.inFlight = request
  }

  private completed(outboundBuffer: OutboundBuffer, bytes: number): void {
    this.bytesWritten += bytes
    this.lastWriteCompletedAt = this.eventLoop.ticker.now()
    outboundBuffer.removeBytes(bytes)
  }

  /** Nobody is told of its success any more, or it failed. */
  private givenUp(error: Error | undefined): void {
    if (error === undefined) this.lastWriteCompletedAt = this.eventLoop.ticker.now() // the deadline of a half-open connection asks
    else if (this.isActive && this.outboundBuffer !== undefined) {
      this.writeError = error
      this.handleWriteError(fromNodeError(error, this.remote))
    }
  }

  /** The callback of a write that the kernel did not take at once. */
  private written({ memory, bytes, slabs }: InFlight, error: Error | undefined): void {
    this.inFlight = undefined
    memory.outbound.unpin(slabs)
    const outboundBuffer = this.outboundBuffer
    // After close the callback may even say success: the messages have failed already, whatever it says.
    if (!this.isActive || outboundBuffer === undefined || error !== undefined) return this.givenUp(error)
    this.inFlush = true
    try {
      this.completed(outboundBuffer, bytes)
    } finally {
      this.inFlush = false
    }
    this.flushMarked()
  }

  /** Runs what an event of the socket asks for, unless the channel has given the socket up. */
  private event(run: () => void): void {
    if (this.isOpen) this.callback(run)
  }

  /**
   * In nobody's AsyncLocalStorage context: Node runs some callbacks in that of whoever resumed or wrote. Nothing that is thrown here may
   * reach the emitter, where it would end the process.
   */
  private callback(run: () => void): void {
    runInRootContext(() => {
      try {
        run()
      } catch (error) {
        this.onReadThrew(error)
      }
    })
  }
}

/** The peer's address; undefined when it is gone already, and of a Unix domain socket. */
export function remoteAddressOf({ socket }: NetSocket): SocketAddress | undefined {
  const { remoteAddress, remotePort } = socket
  return remoteAddress === undefined || remotePort === undefined ? undefined : new TcpSocketAddress(remoteAddress, remotePort)
}

/**
 * `highWaterMark` 0: a paused socket stops to read after one chunk. (It bounds the writable side as well, which only says "full" earlier;
 * the channel counts for itself.)
 */
function connectOptions(address: SocketAddress, local: SocketAddress | undefined): NetConnectOpts {
  const common = { allowHalfOpen: true, highWaterMark: 0 }
  if (address instanceof UnixSocketAddress) return { ...common, path: address.path }
  const { address: host, port } = address as TcpSocketAddress
  if (!(local instanceof TcpSocketAddress)) return { ...common, host, port }
  return { ...common, host, port, localAddress: local.address, localPort: local.port }
}
