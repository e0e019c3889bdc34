import { performance } from 'node:perf_hooks'
import { checkDurationMs, checkFunction } from '@knotty/common'

const INTERVAL_MS = 5

/**
 * Runs `check` again and again, a few ms apart, until it returns without throwing: for what no event tells, such as the state of a
 * socket in the kernel. Rejects with the last error of `check` when `deadlineMs` (5000) have passed, and with an
 * IllegalArgumentError for what is no function or no duration.
 */
export async function eventually(check: () => void | Promise<void>, deadlineMs = 5000): Promise<void> {
  checkFunction(check, 'check')
  const end = performance.now() + checkDurationMs(deadlineMs, 'deadlineMs')
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
    }
  }
}
