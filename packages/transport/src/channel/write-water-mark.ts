import { IllegalArgumentError } from '@knotty/common'

/**
 * When a channel stops and starts being writable, in bytes that wait to be sent (each message counts 96 more): not writable above
 * `high`, writable again below `low`; both strict, as in Netty.
 */
export interface WriteBufferWaterMark {
  readonly low: number
  readonly high: number
}

/** Netty's defaults: 32 KiB and 64 KiB. */
export const DEFAULT_WATER_MARK: WriteBufferWaterMark = { low: 32 * 1024, high: 64 * 1024 }

/** An IllegalArgumentError unless 0 <= low <= high. */
export function checkWaterMark(value: WriteBufferWaterMark, name: string): void {
  if (typeof value !== 'object' || value === null) throw new IllegalArgumentError(`${name}: ${String(value)}`)
  const { low, high } = value
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low < 0 || high < low) {
    throw new IllegalArgumentError(`${name}: { low: ${low}, high: ${high} } (expected: 0 <= low <= high)`)
  }
}
