import net, { type NetConnectOpts } from 'node:net'
import { Unpooled } from '@knotty/buffer'
import { runInRootContext } from '@knotty/common'
import type { TransportName } from '../../channel/channel.js'
import { ChannelOption } from '../../channel/channel-option.js'
import { AbstractByteChannel } from '../abstract-byte-channel.js'
import { type SocketAddress, TcpSocketAddress, UnixSocketAddress } from '../address.js'
import { connectTry } from '../connect-try.js'
import { KEEP_ALIVE_DELAY_SECONDS } from '../socket-options.js'
import { fromNodeError } from '../uv-error.js'
import { LoopMemory } from '../write/loop-memory.js'
import { NetSocket, type NetSocketOwner } from './net-socket.js'

/**
 * A TCP connection, or one over a Unix domain socket, on the public API of `node:net`: for platforms on which the handles of libuv were
 * not tested. Same events in the same order as LibuvSocketChannel.
 *
 * A paused socket may have read one chunk ahead: Node keeps it, and it comes with the next read().
 */
export class NetSocketChannel extends AbstractByteChannel<NetSocket> implements NetSocketOwner {
  /** What a write has failed with. */
  private writeError: Error | undefined = undefined

  get transport(): TransportName {
    return 'net'
  }

  override socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void {
    super.socketOptionChanged(option, value)
    // What is set before registration is applied then, together with the default of TCP_NODELAY. Node ignores both on a Unix socket.
    if (this.socket === undefined || this.memory === undefined) return
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
    const first = this.memory === undefined
    this.memory = LoopMemory.of(this.eventLoop)
    if (first) this.applyOptions()
  }

  protected attempt(
    address: SocketAddress,
    local: SocketAddress | undefined,
    done: (error: Error | undefined) => void,
  ): () => void {
    const raw = net.connect(connectOptions(address, local))
    const socket = new NetSocket(raw)
    const attempt = connectTry(socket, () => this.adopt(socket, address), done)
    raw.once('connect', () => runInRootContext(() => attempt.settle(undefined)))
    raw.once('error', (error: Error) => runInRootContext(() => attempt.settle(fromNodeError(error, address))))
    return attempt.abandon
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

  protected send({ socket }: NetSocket, chunks: readonly Buffer[]): boolean {
    let waits = false
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let index = 0; index < last; index++) socket.write(chunks[index] as Buffer)
    socket.write(chunks[last] as Buffer, (error?: Error | null) => {
      if (waits) this.callback(() => this.written(error ?? undefined))
    })
    if (last > 0) socket.uncork()
    // Nothing waits in the stream: the kernel took all of it, and the callback only comes later.
    waits = socket.writableLength > 0 || socket.errored !== null || socket.destroyed
    return !waits
  }

  /** The callback of a write that the kernel did not take at once. */
  private written(error: Error | undefined): void {
    if (this.outboundBuffer !== undefined) this.writeError = error // told here; otherwise the error event tells
    this.writeCompleted(error === undefined ? undefined : fromNodeError(error, this.remote))
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
