import { constants } from 'node:os'
import process from 'node:process'
import { checkDurationMs, checkOptions, DefaultPromise, type Future, getLogger, IllegalArgumentError, shown } from '@knotty/common'
import type { ServerChannel } from '../channel/channel.js'
import type { EventLoopGroup } from '../eventloop/event-loop-group.js'

/** What {@link shutdownOnSignal} ends, and when. */
export interface SignalShutdownOptions {
  /** Shut down when the servers are drained. */
  readonly group: EventLoopGroup | Iterable<EventLoopGroup>
  /** Drained first, those that are in it when the signal comes; none for a program of clients. */
  readonly servers?: ServerChannel | Iterable<ServerChannel>
  /** For connections to end by themselves, in ms (10000). Those still open then are closed. */
  readonly deadlineMs?: number
  /** The signals that do it (SIGTERM and SIGINT). */
  readonly signals?: readonly NodeJS.Signals[]
}

/** How a shutdown that a signal started ended; the counts are those of all servers. */
export interface SignalShutdownReport {
  readonly signal: NodeJS.Signals
  /** Connections that ended before the deadline. */
  readonly ended: number
  /** Connections that were open at the deadline and were closed then. */
  readonly forced: number
}

/** An installed {@link shutdownOnSignal}. */
export interface SignalShutdown extends Disposable {
  /** Done when a signal has come and everything is shut down; cancelled when this is disposed of before. */
  readonly completion: Future<SignalShutdownReport>
  /** Takes the listeners of the signals away; a shutdown under way goes on. */
  [Symbol.dispose](): void
}

const DEFAULT_DEADLINE_MS = 10_000
const DEFAULT_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT']

/**
 * Ends a server process in good order. The first signal stops accepting, tells each connection with a DrainEvent, waits for them within
 * the deadline, closes what is left, and shuts the groups down; then the process ends by itself, with code 0 unless it was given
 * another. A second signal ends it at once, as ever: the listeners are taken away with the first one.
 *
 *     const server = await bootstrap.group(group).bind(9000)
 *     shutdownOnSignal({ group, servers: server, deadlineMs: 20_000 })
 *
 * An IllegalArgumentError for options it cannot work with.
 */
export function shutdownOnSignal(options: SignalShutdownOptions): SignalShutdown {
  return new InstalledShutdown(options)
}

class InstalledShutdown implements SignalShutdown {
  readonly completion: DefaultPromise<SignalShutdownReport> = new DefaultPromise<SignalShutdownReport>()
  private readonly groups: Iterable<EventLoopGroup>
  private readonly servers: Iterable<ServerChannel>
  private readonly deadlineMs: number
  private readonly signals: readonly NodeJS.Signals[]

  constructor(options: SignalShutdownOptions) {
    checkOptions(options, '{ group, servers, deadlineMs }')
    this.groups = toIterable(options.group, 'shutdownGracefully', 'group')
    this.servers = toIterable(options.servers ?? [], 'drain', 'servers')
    if (Array.isArray(this.servers)) for (const server of this.servers) toIterable(server, 'drain', 'servers')
    this.deadlineMs = checkDurationMs(options.deadlineMs ?? DEFAULT_DEADLINE_MS, 'deadlineMs')
    this.signals = checkSignals(options.signals ?? DEFAULT_SIGNALS)
    try {
      for (const signal of this.signals) process.on(signal, this.onSignal)
    } catch (cause) {
      this.uninstall()
      throw new IllegalArgumentError(`signals: ${this.signals.join(', ')} (expected: signals that a process can listen for)`, { cause })
    }
  }

  [Symbol.dispose](): void {
    if (this.uninstall()) this.completion.cancel()
  }

  /** True when the listeners were still there. */
  private uninstall(): boolean {
    const installed = this.signals.some((signal) => process.listeners(signal).includes(this.onSignal))
    for (const signal of this.signals) process.removeListener(signal, this.onSignal)
    return installed
  }

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    this.uninstall() // first: whatever happens here, a second signal must end the process
    this.shutDown(signal).catch((error: unknown) => this.completion.tryFailure(error))
  }

  /** Whatever fails is logged, and what comes after it is done all the same. */
  private async shutDown(signal: NodeJS.Signals): Promise<void> {
    const end = performance.now() + this.deadlineMs
    const reports = await allSettled(collect(this.servers, (server) => server.drain({ deadlineMs: this.deadlineMs })))
    const timeoutMs = Math.max(0, end - performance.now())
    await allSettled(collect(this.groups, (group) => group.shutdownGracefully({ quietPeriodMs: 0, timeoutMs })))
    const ended = reports.reduce((sum, report) => sum + report.ended, 0)
    const forced = reports.reduce((sum, report) => sum + report.forced, 0)
    this.completion.trySuccess({ signal, ended, forced })
  }
}

function checkSignals(signals: readonly NodeJS.Signals[]): readonly NodeJS.Signals[] {
  if (!Array.isArray(signals) || signals.length === 0) {
    throw new IllegalArgumentError(`signals: ${shown(signals)} (expected: an array of at least one, such as ['SIGTERM'])`)
  }
  for (const signal of signals) {
    if (!(signal in constants.signals)) throw new IllegalArgumentError(`signals: ${signal} is none (expected: SIGTERM, …)`)
    // Node refuses to listen for these two; Bun does not, and nothing would ever come.
    if (signal === 'SIGKILL' || signal === 'SIGSTOP') {
      throw new IllegalArgumentError(`signals: ${signal} (expected: signals that a process can listen for)`)
    }
  }
  return [...signals]
}

function toIterable<T extends object>(value: T | Iterable<T>, method: string, name: string): Iterable<T> {
  if (typeof value === 'object' && value !== null) {
    if (typeof (value as Record<string, unknown>)[method] === 'function') return [value as T]
    if (Symbol.iterator in value) return value
  }
  throw new IllegalArgumentError(`${name}: ${String(value)} (expected: something with ${method}(), or an iterable of such)`)
}

function collect<T, R>(items: Iterable<T>, start: (item: T) => R): R[] {
  const results: R[] = []
  try {
    for (const item of items) {
      try {
        results.push(start(item))
      } catch (error) {
        logFailure(error)
      }
    }
  } catch (error) {
    logFailure(error) // the iterable itself
  }
  return results
}

/** What those gave that did not fail. */
async function allSettled<T>(futures: readonly PromiseLike<T>[]): Promise<T[]> {
  const values: T[] = []
  for (const result of await Promise.allSettled(futures)) {
    if (result.status === 'fulfilled') values.push(result.value)
    else logFailure(result.reason)
  }
  return values
}

function logFailure(error: unknown): void {
  getLogger().error('a part of the shutdown after a signal failed', error)
}
