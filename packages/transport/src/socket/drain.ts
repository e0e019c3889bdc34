import { checkDurationMs, DefaultPromise, type Future, IllegalArgumentError, runInRootContext } from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import { DrainEvent } from '../channel/events.js'

/** How long to wait. */
export interface DrainOptions {
  /** For connections to end by themselves, in ms (10000). Those still open then are closed; 0: at once. */
  readonly deadlineMs?: number
}

/** How a drain ended. */
export interface DrainReport {
  /** Connections that ended by themselves, or by their handlers, before the deadline. */
  readonly ended: number
  /** Connections that were open at the deadline and were closed then. */
  readonly forced: number
}

/** A server channel, as the drain sees it. */
interface DrainedServer extends AbstractChannel {
  /** Its registered connections; each leaves when it closes. */
  readonly connections: Iterable<AbstractChannel>
}

const DEFAULT_DEADLINE_MS = 10_000

/** Drains under way or done, by server: a second call gets the same future. */
const drains = new WeakMap<DrainedServer, Future<DrainReport>>()

/**
 * Stops accepting, tells each connection with {@link DrainEvent}, waits until all are closed, and closes what is left at the
 * deadline. The future is always done by then.
 */
export function drain(server: DrainedServer, options: DrainOptions = {}): Future<DrainReport> {
  if (typeof options !== 'object' || options === null) throw new IllegalArgumentError(`${String(options)} (expected: { deadlineMs })`)
  const deadlineMs = checkDurationMs(options.deadlineMs ?? DEFAULT_DEADLINE_MS, 'deadlineMs')
  const known = drains.get(server)
  if (known !== undefined) return known
  const promise = new DefaultPromise<DrainReport>()
  drains.set(server, promise)
  closeForSure(server)
  const children = [...server.connections].filter((child) => child.isOpen)
  let open = children.length
  let timer: NodeJS.Timeout | undefined
  const finish = (forced: number): void => {
    clearTimeout(timer)
    promise.trySuccess({ ended: children.length - forced, forced })
  }
  if (open === 0) {
    finish(0)
    return promise
  }
  for (const child of children) {
    child.closeFuture.addListener(() => {
      open--
      if (open === 0) finish(0)
    })
  }
  // Not a timer of the loop: those are cancelled when its shutdown begins, and this one must come.
  runInRootContext(() => {
    timer = setTimeout(() => {
      const late = children.filter((child) => child.isOpen)
      finish(late.length)
      late.forEach(closeForSure)
    }, deadlineMs)
  })
  for (const child of children) child.pipeline.fireUserEventTriggered(DrainEvent.INSTANCE)
  return promise
}

/** Closes a channel, past its handlers when one of them keeps the close to itself. */
export function closeForSure(channel: AbstractChannel): void {
  channel.close()
  if (channel.isOpen) channel.close0(channel.newPromise())
}
