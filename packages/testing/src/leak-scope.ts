import process from 'node:process'
import { checkDurationMs, checkOptions, KnottyError, toError } from '@knotty/common'
import { type EventLoop, EventLoopGroup, type EventLoopGroupOptions } from '@knotty/transport'
import { eventually } from './eventually.js'
import { ManualTicker } from './manual-ticker.js'
import { openSocketInodes } from './proc-sockets.js'

/** What a test of sockets works in: it ends only when everything it opened is gone. */
export interface LeakScope {
  /** A group whose loop must have no channel left at the end; it is shut down then. */
  group(options?: EventLoopGroupOptions): EventLoopGroup
  /** Runs at the end, last one first, before anything is checked. */
  onEnd(close: () => unknown): void
}

/** Something else that a test may leave behind, for {@link LeakScopeOptions.checks}. */
export interface LeakCheck {
  /** What it finds, for the message: "pooled buffers are left". */
  readonly name: string
  /** Called before the test body; what is there then is no leak. */
  start(): void
  /** What is left now, for the message; called again until it is empty or the deadline has passed. */
  left(): readonly unknown[]
  /** Called once when the test is over, whether it left something or not, and also when `start` threw. */
  end?(): void
}

/** Options of {@link leakScope}. */
export interface LeakScopeOptions {
  /** How long what the test closed may take to be gone (5000). */
  readonly deadlineMs?: number
  /** Checked with the others (none). */
  readonly checks?: readonly LeakCheck[]
}

/** A test has left something open; `code` is `ERR_KNOTTY_LEAK`, the message says what. */
export class LeakError extends KnottyError {
  /** What is left: inodes of sockets, how many channels, deadlines of timers, kinds of resources with their numbers before and after. */
  readonly left: readonly unknown[]

  constructor(what: string, left: readonly unknown[]) {
    super('ERR_KNOTTY_LEAK', `${what}: ${left.map(String).join(', ')}`)
    this.left = left
  }
}

/** What comes and goes with standard output, files and the test runner itself. */
const IGNORED_RESOURCES: ReadonlySet<string> = new Set(['TTYWrap', 'PipeWrap', 'FSReqCallback', 'FSReqPromise', 'Immediate', 'CloseReq'])

/**
 * Makes a test function that runs `body`, then what it deferred, and rejects with a {@link LeakError} when, up to a deadline, something is
 * left that was not there before: a socket of this process (on Linux, by inode), a channel or a timer of a group of the scope (of
 * its ManualTicker too), or a timer, handle or request that Node knows of.
 *
 *     test('the server answers', leakScope(async (scope) => {
 *       const server = await new ServerBootstrap().group(scope.group()).childHandler(…).bind(0)
 *       scope.onEnd(() => server.close())
 *       …
 *     }))
 *
 * When the body fails, its error is the one that the test rejects with. Groups are shut down in any case, so that what one test leaves
 * does not fail the next ones. Tests of one process that open sockets must not run at the same time.
 */
export function leakScope(body: (scope: LeakScope) => Promise<void>, options: LeakScopeOptions = {}): () => Promise<void> {
  checkOptions(options, 'leakScope(body, { deadlineMs })')
  const deadlineMs = checkDurationMs(options.deadlineMs ?? 5000, 'deadlineMs')
  const { checks = [] } = options
  return async () => {
    const sockets = socketsNow()
    const resources = activeResources()
    const groups: EventLoopGroup[] = []
    const tickers: ManualTicker[] = []
    const closers: (() => unknown)[] = []
    const scope: LeakScope = {
      group(groupOptions) {
        const group = new EventLoopGroup(groupOptions)
        groups.push(group)
        if (groupOptions?.ticker instanceof ManualTicker) tickers.push(groupOptions.ticker)
        return group
      },
      onEnd: (close) => void closers.push(close),
    }
    const ends: (() => unknown)[] = []
    // What a failed test leaves must not fail those behind it.
    const shutDown = async (): Promise<void> => {
      for (const group of groups) await group.shutdownGracefully({ quietPeriodMs: 0, timeoutMs: deadlineMs })
    }
    const run = async (): Promise<void> => {
      for (const check of checks) {
        ends.push(() => check.end?.())
        check.start()
      }
      await runThenClose(() => body(scope), closers)
      await waitForNoChannels(groups, deadlineMs)
      // Before the shutdown, which cancels them: also those that do not keep the process alive.
      for (const group of groups) if (!group.isShuttingDown) ensureNone('timers of the loop are left', pendingTimers(group.next()))
      for (const { pendingTimers: count } of tickers) ensureNone('timers of the manual ticker are left', count === 0 ? [] : [count])
      for (const group of groups) await group.shutdownGracefully({ quietPeriodMs: 0 })
      await eventually(() => {
        ensureNone('sockets are left open', [...socketsNow()].filter((inode) => !sockets.has(inode)))
        ensureNone('timers, handles or requests are left', added(resources, activeResources()))
        for (const check of checks) ensureNone(check.name, check.left())
      }, deadlineMs)
    }
    await runThenClose(() => runThenClose(run, [shutDown]), ends)
  }
}

/** Runs and then closes, in any case; when both fail, the error of the run is the one to tell. */
async function runThenClose(run: () => Promise<void>, closers: (() => unknown)[]): Promise<void> {
  try {
    await run()
  } catch (error) {
    await closeAll(closers)
    throw error
  }
  const [error] = await closeAll(closers)
  if (error !== undefined) throw error
}

/** Calls all of them, last one first; gives their errors. */
async function closeAll(closers: (() => unknown)[]): Promise<Error[]> {
  const errors: Error[] = []
  for (const close of closers.reverse()) {
    try {
      await close()
    } catch (error) {
      errors.push(toError(error))
    }
  }
  return errors
}

function ensureNone(what: string, left: readonly unknown[]): void {
  if (left.length > 0) throw new LeakError(what, left)
}

async function waitForNoChannels(groups: readonly EventLoopGroup[], deadlineMs: number): Promise<void> {
  await eventually(() => {
    for (const group of groups) {
      const count = group.next().channelCount
      ensureNone('channels are left open', count === 0 ? [] : [count])
    }
  }, deadlineMs)
}

/** When the timers of a loop over libuv are due; other loops have none of Node's. */
function pendingTimers(loop: EventLoop): number[] {
  const { pendingTimers: timers = [] } = loop as { readonly pendingTimers?: readonly { readonly deadline: number }[] }
  return timers.map((timer) => timer.deadline)
}

function socketsNow(): ReadonlySet<string> {
  return process.platform === 'linux' ? openSocketInodes() : new Set()
}

/** How many of each kind there are. */
function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (!IGNORED_RESOURCES.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Fewer than before are no leak: what a failed test left is going still. */
function added(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): string[] {
  return [...now]
    .filter(([name, count]) => count > (before.get(name) ?? 0))
    .map(([name, count]) => `${name} (${before.get(name) ?? 0} before, ${count} now)`)
}
