import { seededRandom } from './seeded-random.js'

/** One way to cut an input into chunks. */
export interface Feed {
  /** As a failure message names it. */
  readonly name: string
  /** Lengths of the chunks, at least 1 each, in bytes. */
  readonly lengths: readonly number[]
}

/** How many feeds there are. Every field is a count. */
export interface FeedLimits {
  /** Single split points tried. */
  readonly maxSplits: number
  /** Bytes that come one by one; those behind them come in one chunk. */
  readonly maxSingleBytes: number
  /** Random cuttings. */
  readonly randomFeeds: number
}

/** Chunks of a random feed at most: a long input comes in longer ones. */
const MAX_RANDOM_CHUNKS = 4096

/** The ways to cut `length` bytes: whole, byte by byte, each split in two, random ones that depend on `seed`. */
export function* feedsOf(length: number, limits: FeedLimits, seed: number): Generator<Feed> {
  if (length === 0) return yield { name: 'no bytes', lengths: [] }
  yield { name: 'whole', lengths: [length] }
  if (length === 1) return
  yield { name: 'byte by byte', lengths: byteByByte(length, limits.maxSingleBytes) }
  for (const at of splitPoints(length, limits.maxSplits)) yield { name: `split at ${at}`, lengths: [at, length - at] }
  yield* randomFeedsOf(length, limits.randomFeeds, seed)
}

/** Random cuttings alone. */
export function* randomFeedsOf(length: number, count: number, seed: number): Generator<Feed> {
  const random = seededRandom(seed)
  const shortest = Math.ceil(length / MAX_RANDOM_CHUNKS)
  for (let index = 0; index < count; index++) {
    // from many small chunks to a few large ones
    const longest = 1 + random(random(2) === 0 ? Math.min(length, 8) : length)
    const lengths: number[] = []
    for (let left = length; left > 0; left -= lengths.at(-1) as number) lengths.push(Math.min(left, shortest + random(longest)))
    yield { name: `random chunks ${index} of seed ${seed}`, lengths }
  }
}

function byteByByte(length: number, max: number): number[] {
  const single = Math.min(length, max)
  const lengths = Array.from<number>({ length: single }).fill(1)
  if (length > single) lengths.push(length - single)
  return lengths
}

/** All of them; of a long input the first ones, where headers are, and others spread evenly to the last. */
function splitPoints(length: number, max: number): number[] {
  const count = Math.min(length - 1, max)
  const first = count === length - 1 ? count : Math.ceil(count / 2)
  const points = Array.from({ length: first }, (_, index) => index + 1)
  const spread = count - first
  for (let index = 1; index <= spread; index++) points.push(first + Math.ceil(((length - 1 - first) * index) / spread))
  return points
}
