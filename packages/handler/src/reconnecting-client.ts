import {
  checkDurationMs,
  checkOptions,
  checkPositiveInteger,
  DefaultPromise,
  type EventExecutor,
  type Future,
  getLogger,
  IllegalArgumentError,
  IllegalStateError,
  inspectInOneLine,
  RejectedExecutionError,
  type ScheduledTask,
} from '@knotty/common'
import { Bootstrap, type Channel, type ChannelFuture, type ChannelRegistrar, EventLoopGroup } from '@knotty/transport'
import { EventEmitter } from 'eventemitter3'
import { AttemptBudget } from './attempt-budget.js'
import { Backoff, type BackoffOptions } from './backoff.js'
import { ReconnectError } from './errors.js'

/** Options of {@link ReconnectingClient}. */
export interface ReconnectingClientOptions extends BackoffOptions {
  /** A connection that lived so long, in ms, was a good one: delays begin at minDelayMs again after it (10000). */
  readonly stableAfterMs?: number
  /** After so many attempts in a row without such a connection the client gives up (Infinity). */
  readonly maxAttempts?: number
  /** At most so many attempts in any minute, across stop() and start() (60). */
  readonly maxAttemptsPerMinute?: number
}

/** What a {@link ReconnectingClient} does at the moment. */
export type ReconnectingClientState = 'stopped' | 'connecting' | 'connected' | 'waiting' | 'stopping' | 'failed'

/** An attempt to come. */
export interface ReconnectScheduledEvent {
  /** Which attempt that will be: the first after start(), or after a stable connection, is 1. */
  readonly attempt: number
  readonly delayMs: number
  /** Why the last attempt failed; undefined when a connection ended, and at a start() the budget does not allow yet. */
  readonly cause: Error | undefined
}

/** The events of a {@link ReconnectingClient} and what listeners get. */
export interface ReconnectingClientEventMap {
  /** There is a connection: told when the connect completes, as its listeners are, that is before channelActive. */
  connected: [channel: Channel]
  /** It is closed, by whomever. One for each `connected`. */
  disconnected: [channel: Channel, livedMs: number]
  /** There is none, and the next attempt is due later. */
  scheduled: [event: ReconnectScheduledEvent]
  /** The client has given up. A {@link ReconnectError}. */
  failed: [error: Error]
  /** stop() is through, or the event loop has been shut down. */
  stopped: []
}

/**
 * Keeps one connection: connects, and connects again whenever the connection could not be made or has ended.
 *
 *     const client = new ReconnectingClient(
 *       new Bootstrap().group(group).remoteAddress(9000, 'server.example').handler((ch) => { ch.pipeline.addLast(new MyHandler()) }),
 *     )
 *     client.on('connected', (channel) => channel.writeAndFlush(hello(), null))
 *     client.start()                                        // later: await client.stop()
 *
 *                  start                 connected                    closed, or failed: a delay
 *     stopped ────────────► connecting ───────────► connected ──────────────────────────────────► waiting
 *                               ▲                                                                   │
 *                               └───────────────────────────────────────────────────────────────────┘
 *     any ──stop()──► stopping ──► stopped            waiting, connecting ──maxAttempts──► failed
 *
 * Delays are those of {@link Backoff}, after a connection that ended as after one that could not be made: a server that restarts has
 * all its clients come back at once otherwise. A connection that dies before `stableAfterMs` leaves the bound of the delay where it is,
 * so a server that accepts and closes is not stormed; `maxAttemptsPerMinute` holds in any case. How long one attempt may take says
 * ChannelOption.CONNECT_TIMEOUT_MILLIS of the bootstrap. There is never a second attempt beside one under way, or beside a connection.
 *
 * While it waits the client keeps the process alive, as its connection does. It ends with the event loop it was started on. Messages
 * are not kept for the next connection: what was written to one that ended fails, and its owner decides.
 */
export class ReconnectingClient extends EventEmitter<ReconnectingClientEventMap> implements AsyncDisposable {
  static {
    inspectInOneLine(this)
  }

  private readonly bootstrap: Bootstrap
  private readonly backoff: Backoff
  private readonly budget: AttemptBudget
  private readonly stableAfterMs: number
  private readonly maxAttempts: number
  private current: ReconnectingClientState = 'stopped'
  /** Counts start(), so that a listener's stop() and start() show. */
  private run = 0
  private attempts = 0
  private loop: EventExecutor | undefined = undefined
  private connecting: ChannelFuture<Channel> | undefined = undefined
  private connection: Channel | undefined = undefined
  private connectedAt = 0
  private timer: ScheduledTask | undefined = undefined
  private ended = new DefaultPromise<void>().setSuccess()
  private readonly onTermination = (): void => void this.stop()

  /**
   * @param bootstrap with a handler and a remote address; it is copied. Its handler serves many connections: an initializer function, or
   *   a sharable one
   */
  constructor(bootstrap: Bootstrap, options: ReconnectingClientOptions = {}) {
    super()
    if (!(bootstrap instanceof Bootstrap)) throw new IllegalArgumentError('bootstrap: expected: new Bootstrap().remoteAddress(…).handler(…)')
    checkOptions(options, 'new ReconnectingClient(bootstrap, { minDelayMs, maxDelayMs })')
    const { handler, remoteAddress } = bootstrap.config
    if (handler === undefined) throw new IllegalArgumentError('bootstrap: no handler is set: call .handler(…)')
    if (handler.isSharable !== true) {
      throw new IllegalArgumentError(
        'bootstrap: its handler is one instance that is not sharable, and can serve only one connection: pass .handler((ch) => { … })',
      )
    }
    if (remoteAddress === undefined) throw new IllegalArgumentError('bootstrap: no remote address is set: call .remoteAddress(…)')
    const { stableAfterMs = 10_000, maxAttempts = Infinity, maxAttemptsPerMinute = 60 } = options
    this.bootstrap = bootstrap.clone()
    this.backoff = new Backoff(options)
    this.budget = new AttemptBudget(checkPositiveInteger(maxAttemptsPerMinute, 'maxAttemptsPerMinute'))
    this.stableAfterMs = checkDurationMs(stableAfterMs, 'stableAfterMs')
    this.maxAttempts = maxAttempts === Infinity ? maxAttempts : checkPositiveInteger(maxAttempts, 'maxAttempts')
  }

  get state(): ReconnectingClientState {
    return this.current
  }

  /** The connection, while there is one. */
  get channel(): Channel | undefined {
    return this.connection
  }

  /**
   * Connects, at once unless the budget is used up; does nothing while the client runs. An IllegalStateError while it is stopping
   * (await stop() first), a RejectedExecutionError when the event loop is shutting down.
   */
  start(): this {
    if (this.current === 'stopping') throw new IllegalStateError('the client is stopping: await stop() before start()')
    if (this.current !== 'stopped' && this.current !== 'failed') return this
    const loop = timersOf(this.bootstrap.config.group)
    if (loop.isShuttingDown) throw new RejectedExecutionError('the event loop is shutting down: the client cannot start on it')
    this.loop = loop
    this.run++
    this.attempts = 0
    this.backoff.reset()
    this.ended = new DefaultPromise<void>()
    loop.terminationFuture.addListener(this.onTermination)
    const delayMs = this.budget.delayMs(loop.ticker.now())
    if (delayMs === 0) this.attempt(loop)
    else this.scheduleIn(loop, delayMs, undefined)
    return this
  }

  /**
   * Ends the attempt under way, the wait, or the connection, and tries no more. The future is done when all that is closed, at once when
   * the client does not run.
   */
  stop(): Future<void> {
    const { ended } = this
    switch (this.current) {
      case 'connecting':
        this.current = 'stopping'
        if (this.connecting !== undefined) this.giveUp(this.connecting)
        break
      case 'connected':
        this.current = 'stopping'
        this.connection?.close()
        break
      case 'waiting':
        this.end('stopped')
        break
      case 'failed':
        this.current = 'stopped'
    }
    return ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  override toString(): string {
    return `ReconnectingClient(${this.current}, ${String(this.connection ?? this.bootstrap.config.remoteAddress)})`
  }

  /** A listener that throws is logged, and does not disturb the client. */
  override emit<T extends EventEmitter.EventNames<ReconnectingClientEventMap>>(
    event: T,
    ...args: EventEmitter.EventArgs<ReconnectingClientEventMap, T>
  ): boolean {
    try {
      return super.emit(event, ...args)
    } catch (error) {
      getLogger().warn(`a listener of a ReconnectingClient threw at "${event}"`, error)
      return true
    }
  }

  private attempt(loop: EventExecutor): void {
    this.timer = undefined
    this.current = 'connecting'
    this.attempts++
    this.budget.take(loop.ticker.now())
    const connecting = this.bootstrap.connect()
    this.connecting = connecting
    if (this.state === 'stopping') return this.giveUp(connecting) // the initializer called stop()
    connecting.addListener((done) => {
      if (this.current !== 'connecting') return // stop() cancelled it
      this.connecting = undefined
      if (done.value === undefined) this.goOn(loop, done.cause)
      else this.connected(loop, done.value)
    })
  }

  private giveUp(connecting: ChannelFuture<Channel>): void {
    connecting.cancel()
    connecting.channel.closeFuture.addListener(() => this.end('stopped'))
  }

  private connected(loop: EventExecutor, channel: Channel): void {
    this.current = 'connected'
    this.connection = channel
    this.connectedAt = loop.ticker.now()
    this.emit('connected', channel)
    channel.closeFuture.addListener(() => this.disconnected(loop, channel))
  }

  private disconnected(loop: EventExecutor, channel: Channel): void {
    const livedMs = loop.ticker.now() - this.connectedAt
    this.connection = undefined
    if (livedMs >= this.stableAfterMs) {
      this.attempts = 0
      this.backoff.reset()
    }
    const { run } = this
    const stopping = this.current === 'stopping'
    if (!stopping) this.current = 'waiting'
    this.emit('disconnected', channel, livedMs)
    if (stopping) this.end('stopped')
    else if (this.state === 'waiting' && this.run === run) this.goOn(loop, undefined) // else a listener stopped the client
  }

  /** There is no connection: the next attempt is scheduled, unless there is to be none. */
  private goOn(loop: EventExecutor, cause: Error | undefined): void {
    if (loop.isShuttingDown || cause instanceof RejectedExecutionError) return this.end('stopped')
    if (this.attempts >= this.maxAttempts) {
      return this.end('failed', new ReconnectError(`no stable connection after ${this.attempts} attempts (maxAttempts)`, { cause }))
    }
    let delayMs: number
    try {
      delayMs = Math.max(this.backoff.nextDelayMs(), this.budget.delayMs(loop.ticker.now()))
    } catch (error) {
      return this.end('failed', new ReconnectError('the delay of the next attempt could not be computed', { cause: error })) // random threw
    }
    this.scheduleIn(loop, delayMs, cause)
  }

  private scheduleIn(loop: EventExecutor, delayMs: number, cause: Error | undefined): void {
    this.current = 'waiting'
    this.timer = loop.schedule(() => this.attempt(loop), delayMs)
    this.emit('scheduled', { attempt: this.attempts + 1, delayMs, cause })
  }

  private end(state: 'stopped' | 'failed', error?: ReconnectError): void {
    const { ended } = this
    this.loop?.terminationFuture.removeListener(this.onTermination)
    this.timer?.cancel()
    this.timer = undefined
    this.connecting = undefined
    this.current = state
    if (error === undefined) this.emit('stopped')
    else this.emit('failed', error)
    ended.trySuccess()
  }
}

/** The loop whose clock and timers belong to the connections of this group. */
function timersOf(group: ChannelRegistrar | undefined): EventExecutor {
  if (group === undefined) return EventLoopGroup.shared().next()
  const candidate = group as Partial<EventLoopGroup & EventExecutor>
  if (typeof candidate.schedule === 'function' && candidate.ticker !== undefined) return candidate as EventExecutor
  if (typeof candidate.next === 'function') return candidate.next()
  throw new IllegalArgumentError('bootstrap: its group has no timers (expected: an EventLoopGroup or an event loop)')
}
