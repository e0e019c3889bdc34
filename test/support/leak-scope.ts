import assert from 'node:assert/strict'
import process from 'node:process'
import { EventLoopGroup, type EventLoopGroupOptions } from '@knotty/transport'
import { forgetFutures, pendingFutures, watchFutures } from './pending-futures.js'
import { eventually, openSocketInodes } from './proc-sockets.js'

/** What a test of sockets works in: it ends only when everything it opened is gone. */
export interface LeakScope {
  /** A group whose loop must have no channel left at the end; it is shut down then. */
  group(options?: EventLoopGroupOptions): EventLoopGroup
  /** Runs at the end, last one first, before anything is checked. */
  onEnd(close: () => unknown): void
}

const IGNORED_RESOURCES: ReadonlySet<string> = new Set(['TTYWrap', 'PipeWrap', 'FSReqCallback', 'FSReqPromise', 'Immediate', 'CloseReq'])

/**
 * Runs a test body, then what it deferred, and asserts (polling up to a deadline) that no socket of this process, no channel and no
 * timer of its loops, no future that somebody waits for, and no timer, handle or request that Node knows of is left that was not there
 * before.
 */
export function leakScope(body: (scope: LeakScope) => Promise<void>, deadlineMs = 5000): () => Promise<void> {
  return async () => {
    const sockets = openSocketInodes()
    const resources = activeResources()
    watchFutures()
    const groups: EventLoopGroup[] = []
    const closers: (() => unknown)[] = []
    const scope: LeakScope = {
      group(options) {
        const group = new EventLoopGroup(options)
        groups.push(group)
        return group
      },
      onEnd: (close) => void closers.push(close),
    }
    try {
      await body(scope)
    } finally {
      for (const close of closers.reverse()) await close()
      if (groups.some((group) => group.next().channelCount > 0)) await waitForNoChannels(groups, deadlineMs)
    }
    await waitForNoChannels(groups, deadlineMs)
    // Before the shutdown, which cancels them: also those that do not keep the process alive.
    for (const group of groups) assert.deepEqual(timersOf(group), [], 'timers of the loop are left')
    for (const group of groups) await group.shutdownGracefully({ quietPeriodMs: 0 })
    await eventually(() => {
      const left = [...openSocketInodes()].filter((inode) => !sockets.has(inode))
      assert.deepEqual(left, [], 'sockets are left open')
      assert.deepEqual(activeResources(), resources, 'timers, handles or requests are left')
      assert.deepEqual(pendingFutures(), [], 'futures that somebody waits for are left pending')
    }, deadlineMs)
    forgetFutures()
  }
}

async function waitForNoChannels(groups: readonly EventLoopGroup[], deadlineMs?: number): Promise<void> {
  await eventually(() => {
    for (const group of groups) assert.equal(group.next().channelCount, 0, 'channels are left open')
  }, deadlineMs)
}

/** How many of each kind there are, without what the test runner itself comes and goes with. */
function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo().sort()) {
    if (!IGNORED_RESOURCES.has(name)) counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** When those that wait are due. */
function timersOf(group: EventLoopGroup): readonly number[] {
  const { pendingTimers } = group.next() as unknown as { readonly pendingTimers: readonly { readonly deadline: number }[] }
  return group.isShuttingDown ? [] : pendingTimers.map((timer) => timer.deadline)
}
