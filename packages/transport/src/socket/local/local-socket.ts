import { ByteBuf, release } from '@knotty/buffer'
import Denque from 'denque'
import type { RawSocket } from '../accepted-socket-guard.js'
import type { LocalSocketAddress } from '../address.js'
import { systemError } from '../uv-error.js'

/** The channel a socket belongs to. */
export interface LocalSocketOwner {
  /** Runs a task in its loop. Never throws: the loop may be shut down. */
  execute(task: () => void): void
  /** The most bytes that may wait here to be read. */
  readonly receiveBufferBytes: number
  /** @param more another one follows at once, as long as the socket reads */
  onMessage(msg: unknown, bytes: number, more: () => boolean): void
  onEnd(): void
  onReset(error: Error): void
  /** The peer has room again; in a task. */
  onWritable(): void
}

interface QueuedMessage {
  readonly msg: unknown
  readonly bytes: number
}

/** What one message counts beside its bytes; as in the outbound buffer. */
const ENTRY_OVERHEAD_BYTES = 96
/** Messages one task delivers before it lets other channels have a turn; as Netty's maxMessagesPerRead. */
const MAX_MESSAGES_PER_TASK = 16
/** Before a channel owns the socket it cannot say how much it wants to hold. */
const DEFAULT_RECEIVE_BUFFER_BYTES = 65536

/**
 * One end of a connection within the process, with the manners of a kernel's socket: a bounded queue of what has arrived, FIN behind it,
 * a reset when an end is closed with something unread. Messages go by reference.
 *
 *     writer ──push──► [ queue of the peer's end ] ──task of its loop, while it reads──► owner
 */
export class LocalSocket implements RawSocket {
  readonly address: LocalSocketAddress
  readonly peerAddress: LocalSocketAddress
  owner: LocalSocketOwner | undefined = undefined
  private peer: LocalSocket | undefined = undefined
  /** Not an array: with a large SO_RCVBUF its shift() costs more the more wait. */
  private readonly queue = new Denque<QueuedMessage>()
  private queuedBytes = 0
  private reading = false
  private scheduled = false
  /** How the input ends, once the queue is empty. */
  private ending: 'no' | 'end' | 'reset' = 'no'
  private endTold = false
  private outputEnded = false
  private closed = false
  /** The peer waits for room here. */
  private peerWaits = false

  private constructor(address: LocalSocketAddress, peerAddress: LocalSocketAddress) {
    this.address = address
    this.peerAddress = peerAddress
  }

  /** The two ends of a new connection. */
  static pair(client: LocalSocketAddress, server: LocalSocketAddress): readonly [client: LocalSocket, server: LocalSocket] {
    const here = new LocalSocket(client, server)
    const there = new LocalSocket(server, client)
    here.peer = there
    there.peer = here
    return [here, there]
  }

  startReading(): void {
    this.reading = true
    if (this.queue.length === 0) this.tellPeerOfRoom() // for a message that is larger than the queue
    this.wake()
  }

  stopReading(): void {
    this.reading = false
  }

  /** Gives a message to the peer. False: it has no room, the owner hears of it later. Throws EPIPE, or ECONNRESET, when nobody will read it. */
  push(msg: unknown): boolean {
    const { peer } = this
    if (peer === undefined || peer.closed || this.outputEnded) {
      throw systemError(this.ending === 'reset' ? 'ECONNRESET' : 'EPIPE', 'write', this.peerAddress)
    }
    return peer.receive(msg)
  }

  /** No more messages: FIN. */
  end(): void {
    this.outputEnded = true
    this.peer?.receiveEnding('end')
  }

  /** The peer sees FIN, or a reset when something was left unread here. */
  close(): void {
    this.dispose(this.queue.length > 0 ? 'reset' : 'end')
  }

  /** The peer sees a reset. */
  reset(): void {
    this.dispose('reset')
  }

  private dispose(ending: 'end' | 'reset'): void {
    if (this.closed) return
    this.closed = true
    this.reading = false
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) release(next.msg)
    this.peer?.receiveEnding(ending)
    // Its writer must hear that nobody will make room.
    this.tellPeerOfRoom()
  }

  private receive(msg: unknown): boolean {
    const limit = this.owner?.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES
    const bytes = sizeOf(msg)
    // One that never fits comes alone, and only while somebody reads: it stays with its writer otherwise.
    const fits = this.queuedBytes + bytes + ENTRY_OVERHEAD_BYTES <= limit || (this.queue.length === 0 && this.reading)
    if (!fits) {
      this.peerWaits = true
      return false
    }
    this.queue.push({ msg, bytes })
    this.queuedBytes += bytes + ENTRY_OVERHEAD_BYTES
    this.wake()
    return true
  }

  private receiveEnding(ending: 'end' | 'reset'): void {
    if (this.closed || this.ending === 'reset') return
    this.ending = ending
    if (ending === 'reset') this.endTold = false
    this.wake()
  }

  private wake(): void {
    const { owner } = this
    if (owner === undefined || this.scheduled || !this.reading) return
    if (this.queue.length === 0 && (this.ending === 'no' || this.endTold)) return
    this.scheduled = true
    owner.execute(this.deliver)
  }

  private readonly deliver = (): void => {
    this.scheduled = false
    let left = MAX_MESSAGES_PER_TASK
    const more = (): boolean => left > 0 && this.reading && this.queue.length > 0
    while (more()) {
      left--
      const next = this.queue.shift() as QueuedMessage
      this.queuedBytes -= next.bytes + ENTRY_OVERHEAD_BYTES
      this.tellPeerOfRoom()
      this.owner?.onMessage(next.msg, next.bytes, more)
    }
    if (!this.reading) return
    if (this.queue.length > 0) return this.wake()
    if (this.ending === 'no' || this.endTold) return
    this.endTold = true
    if (this.ending === 'end') this.owner?.onEnd()
    else this.owner?.onReset(systemError('ECONNRESET', 'read', this.peerAddress))
  }

  private tellPeerOfRoom(): void {
    if (!this.peerWaits) return
    this.peerWaits = false
    const { peer } = this
    if (peer === undefined || peer.closed) return
    const { owner } = peer
    owner?.execute(() => owner.onWritable())
  }
}

/** Bytes of a buffer; any other message is taken for none. */
export function sizeOf(msg: unknown): number {
  if (ByteBuf.isByteBuf(msg)) return msg.readableBytes
  return msg instanceof Uint8Array ? msg.byteLength : 0
}
