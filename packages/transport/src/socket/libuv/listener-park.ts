import { MessageChannel, type MessagePort, receiveMessageOnPort, type TransferListItem } from 'node:worker_threads'
import { runInRootContext } from '@knotty/common'
import type { StreamHandle } from './binding.js'
import { isTcp } from './stream-handle.js'

/** Set when this line of Node has refused once: 20 and 22 do. */
let impossible = false

/**
 * A listening TCP handle that takes no connections for now: nothing else stops libuv from accepting. It waits in a message port, and
 * the clients in the queue of the kernel. Must be unparked or closed: a port that is dropped never closes what it holds.
 *
 *     handle ──park──► port2's queue ──unpark──► a new handle over the same socket
 */
export class ListenerPark {
  private readonly sender: MessagePort
  private readonly receiver: MessagePort

  private constructor(sender: MessagePort, receiver: MessagePort) {
    this.sender = sender
    this.receiver = receiver
  }

  /**
   * Parks a listening handle, which must not be used any more then; undefined where that is impossible, or impossible now: the handle
   * is unharmed and goes on. Never throws.
   */
  static park(handle: StreamHandle): ListenerPark | undefined {
    if (impossible || !isTcp(handle)) return undefined // a pipe cannot be transferred on any line
    const { port1, port2 } = new MessageChannel()
    try {
      port1.postMessage(handle, [handle as unknown as TransferListItem])
    } catch {
      impossible = true
    }
    // The transfer duplicates the descriptor. When none is free Node says nothing and sends nothing, but the handle is still open.
    if (handle.fd < 0) return new ListenerPark(port1, port2)
    port1.close()
    return undefined
  }

  /**
   * The handle under which the socket goes on: without its properties, and listen must be called again. Its callbacks run in nobody's
   * AsyncLocalStorage context.
   */
  unpark(): StreamHandle {
    const handle = this.take()
    if (handle === undefined) throw new Error('a parked listener is lost')
    return handle
  }

  /** Closes the socket. */
  close(): void {
    this.take()?.close()
  }

  private take(): StreamHandle | undefined {
    let received: { message: unknown } | undefined
    try {
      runInRootContext(() => (received = receiveMessageOnPort(this.receiver)))
    } finally {
      this.sender.close()
    }
    return received?.message as StreamHandle | undefined
  }
}
