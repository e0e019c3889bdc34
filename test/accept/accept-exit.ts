import type { ConnectionKind } from '../support/accept-client.js'
import type { AcceptRun } from '../support/accept-run.js'

/** One way out of the accept path before, or right after, channelRegistered. */
export interface AcceptExit {
  /** The number in design.md section 4 and the rest of a sentence: "closes the accepted sockets when …". */
  readonly name: string
  /** `guard`: before the hand-over, in rawSocketCloser. `channel`: after it, by the channel's own close of the handle. */
  readonly closedBy: 'guard' | 'channel'
  /** The reason of the refused event. */
  readonly reason?: string
  /** Finds the original error in the cause of the refused event: given, it must be the fault's; null: there is none. */
  readonly cause?: ((cause: Error, run: AcceptRun) => void) | null
  readonly kinds?: readonly ConnectionKind[]
  /** Log lines besides that of the refused connections. */
  readonly alsoLogs?: RegExp
  /** Connections that ended because the peer reset them, or was gone: the counter of the loop. */
  readonly peerErrors?: number
  /** The exit closes the server, so no later connection is served. */
  readonly closesServer?: true
  /** Before bind. */
  setUp(run: AcceptRun): void
  /** Bound, before the connections come. */
  bound?(run: AcceptRun): Promise<void> | void
  /** Every connection is accepted, FIN and RST are sent. */
  during?(run: AcceptRun): Promise<void> | void
}
