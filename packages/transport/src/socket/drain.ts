import { checkDurationMs, checkOptions, DefaultPromise, type Future, getLogger, runInRootContext } from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import { DrainEvent } from '../channel/events.js'

/** How long to wait. */
export interface DrainOptions {
  /** For connections to end by themselves, in ms (10000). Those still open then are closed; 0: at once. */
  readonly deadlineMs?: number
}

/** How a drain ended. */
export interface DrainReport {
  /** Connections that ended before the deadline: by their peers, their handlers, or the shutdown of their group. */
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
const drains = new WeakMap<DrainedServer, Drain>()

/**
 * Stops accepting, tells each connection with {@link DrainEvent}, waits until all are closed, and closes what is left at the
 * deadline. The future is always done by then. A second call gets the same future, and may only bring the deadline forward.
 *
 * Connections that are not registered yet are refused, because the server is closed; the report does not count them.
 */
export function drain(server: DrainedServer, options: DrainOptions = {}): Future<DrainReport> {
  checkOptions(options, '{ deadlineMs }')
  const deadlineMs = checkDurationMs(options.deadlineMs ?? DEFAULT_DEADLINE_MS, 'deadlineMs')
  let known = drains.get(server)
  if (known === undefined) {
    known = new Drain([...server.connections].filter((child) => child.isOpen))
    drains.set(server, known) // first: a handler that sees the server close may ask for the drain again
    closeForSure(server)
    known.start(deadlineMs)
  } else known.endWithin(deadlineMs)
  return known.promise
}

/** A connection whose registration was under way when its server was closed: a drain waits for it as well. */
export function joinDrain(server: DrainedServer, child: AbstractChannel): void {
  drains.get(server)?.join(child)
}

/** One server's last connections. */
class Drain {
  readonly promise: DefaultPromise<DrainReport> = new DefaultPromise<DrainReport>()
  private readonly children: AbstractChannel[]
  private open: number
  private timer: NodeJS.Timeout | undefined = undefined
  /** On the clock of performance.now(). */
  private deadline = Number.POSITIVE_INFINITY

  constructor(children: AbstractChannel[]) {
    this.children = children
    this.open = children.length
  }

  start(deadlineMs: number): void {
    if (this.open === 0) return this.finish(0)
    this.endWithin(deadlineMs)
    for (const child of this.children) this.watch(child)
    for (const child of this.children) tell(child)
  }

  join(child: AbstractChannel): void {
    if (this.promise.isDone) return closeForSure(child) // nobody would wait for it
    this.children.push(child)
    this.open++
    this.watch(child)
    tell(child)
  }

  /** Not a timer of the loop: those are cancelled when its shutdown begins, and this one must come. */
  endWithin(deadlineMs: number): void {
    const deadline = performance.now() + deadlineMs
    if (this.promise.isDone || deadline >= this.deadline) return
    this.deadline = deadline
    clearTimeout(this.timer)
    runInRootContext(() => (this.timer = setTimeout(() => this.force(), deadlineMs)))
  }

  private watch(child: AbstractChannel): void {
    child.closeFuture.addListener(() => {
      if (--this.open === 0) this.finish(0)
    })
  }

  private force(): void {
    const late = this.children.filter((child) => child.isOpen)
    this.finish(late.length)
    late.forEach(closeForSure)
  }

  private finish(forced: number): void {
    clearTimeout(this.timer)
    this.promise.trySuccess({ ended: this.children.length - forced, forced })
    this.children.length = 0 // the server may be kept for long
  }
}

/** In a task of its own: whoever asked for the drain may be in a handler of this very channel. */
function tell(child: AbstractChannel): void {
  try {
    child.eventLoop.execute(() => {
      if (child.isOpen) child.pipeline.fireUserEventTriggered(DrainEvent.INSTANCE)
    })
  } catch (error) {
    getLogger().warn(`${child.toString()} could not be told to finish`, error) // its loop is shut down; the deadline comes all the same
  }
}

/** Closes a channel, past its handlers when one of them keeps the close to itself. */
export function closeForSure(channel: AbstractChannel): void {
  channel.close()
  if (channel.isOpen) channel.close0(channel.newPromise())
}
