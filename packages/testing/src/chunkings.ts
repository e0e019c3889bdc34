import { checkOptions } from '@knotty/common'
import * as fc from 'fast-check'

/** Bytes, and the chunks they were cut into. */
export interface ChunkedBytes {
  readonly bytes: Uint8Array
  readonly chunks: readonly Uint8Array[]
}

/** Split points of one chunking at most, besides byte by byte. */
const MAX_SPLITS = 16

/**
 * For fast-check: `bytes` cut into chunks in any way; whole and byte by byte are among them. Empty chunks happen, since handlers may
 * send them. The chunks are views of `bytes`. It shrinks to fewer chunks.
 */
export function chunkingOf<T extends Uint8Array>(bytes: T): fc.Arbitrary<T[]> {
  const { length } = bytes
  const points = fc.oneof(
    { weight: 1, arbitrary: fc.constant<number[]>([]) },
    // all of them most of the time; a constant would not shrink
    { weight: 1, arbitrary: fc.nat({ max: 4 * length }).map((single) => upTo(Math.min(single, length - 1))) },
    { weight: 8, arbitrary: fc.array(fc.nat({ max: length }), { maxLength: MAX_SPLITS }).map((all) => all.sort((a, b) => a - b)) },
  )
  return points.map((all) => [...all, length].map((end, index) => bytes.subarray(index === 0 ? 0 : all[index - 1], end) as T))
}

/** From 1 on. */
function upTo(last: number): number[] {
  return Array.from({ length: Math.max(last, 0) }, (_, index) => index + 1)
}

/** For fast-check: any bytes, `maxLength` of them at most (256), with a {@link chunkingOf} them. */
export function chunkedBytes(options: { readonly maxLength?: number } = {}): fc.Arbitrary<ChunkedBytes> {
  checkOptions(options, 'chunkedBytes({ maxLength })')
  const { maxLength = 256 } = options
  return fc.uint8Array({ maxLength }).chain((bytes) => chunkingOf(bytes).map((chunks) => ({ bytes, chunks })))
}
