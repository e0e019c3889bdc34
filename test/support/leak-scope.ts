import { leakScope as publishedLeakScope, type LeakScope } from '@knotty/testing'
import { pendingFutures } from './pending-futures.js'

export type { LeakScope }

/** The published leak scope, which here also finds futures that somebody waits for. */
export function leakScope(body: (scope: LeakScope) => Promise<void>, deadlineMs = 5000): () => Promise<void> {
  return publishedLeakScope(body, { deadlineMs, checks: [pendingFutures] })
}
