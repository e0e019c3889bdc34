import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { TransferListItem } from 'node:worker_threads'
import type { StreamHandle } from './binding.js'
import { isTcp } from './stream-handle.js'

/** Set when this line of Node has refused once: 20 and 22 do. */
let impossible = false

/**
 * A listening TCP handle that takes no connections for now: nothing else stops libuv from accepting. It waits in a message port, and
 * the clients in the queue of the kernel.
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

  /** Parks a listening handle, which must not be used any more then; undefined where that is impossible: it is unharmed. */
  static park(handle: StreamHandle): ListenerPark | undefined {
    if (impossible || !isTcp(handle)) return undefined // a pipe cannot be transferred on any line
    const { port1, port2 } = new MessageChannel()
    try {
      port1.postMessage(handle, [handle as unknown as TransferListItem])
      return new ListenerPark(port1, port2)
    } catch {
      impossible = true
      port1.close()
      return undefined
    }
  }

  /** The handle under which the socket goes on: without its properties, and listen must be called again. */
  unpark(): StreamHandle {
    const received = receiveMessageOnPort(this.receiver) as { message: StreamHandle } | undefined
    this.sender.close()
    if (received === undefined) throw new Error('a parked listener is lost')
    return received.message
  }

  close(): void {
    this.unpark().close()
  }
}
