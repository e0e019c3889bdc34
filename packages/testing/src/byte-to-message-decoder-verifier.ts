import { Buffer } from 'node:buffer'
import { isReferenceCounted, release } from '@knotty/buffer'
import { checkFunction, checkNonNegativeInteger, checkOptions, IllegalArgumentError } from '@knotty/common'
import type { ChannelHandler } from '@knotty/transport'
import { fromDifference, isSame, showComparable, toComparable } from './comparable.js'
import { type DecoderOutput, DecoderRun, type RunEnd } from './decoder-run.js'
import { CodecVerificationError, type VerificationDetails, type VerificationReason } from './errors.js'
import { type Feed, type FeedLimits, feedsOf, randomFeedsOf } from './feed.js'
import { anySeed } from './seeded-random.js'

/** Makes the handler that is tested, or several in the order of the pipeline, new ones at each call. */
export type HandlerFactory = () => ChannelHandler | readonly ChannelHandler[]

/** An error that must reach exceptionCaught: its class, or its `code`. */
export type ExpectedError = string | (abstract new (...args: never[]) => Error)

/** Some bytes, and what a decoder must make of them whatever chunks they come in. */
export interface DecoderCase {
  /** For failure messages (`case 0`, `case 1`, …). */
  readonly name?: string
  readonly input: Uint8Array
  /**
   * All messages, in order. They are compared by value (class and own properties, not `#private` ones), ByteBufs and Uint8Arrays by
   * their bytes; one may stand for the other. The verifier moves no index of what stands here and releases none of it.
   */
  readonly messages: readonly unknown[]
  /**
   * All errors, in order (none). `ERR_KNOTTY_DECODER_FAILED_BEFORE` does not count: whether it comes depends on the chunks. Between which
   * messages they come is not said here; it must be the same with all chunks.
   */
  readonly errors?: readonly ExpectedError[]
  /**
   * Bytes that the decoder hands on when it is removed behind the input: an unfinished message (none; behind errors it depends on the
   * chunks what is left, so there it is compared only when given).
   */
  readonly leftOver?: Uint8Array
  /** What comes behind `messages` and `errors` when the channel closes behind the input (nothing). */
  readonly atClose?: { readonly messages?: readonly unknown[]; readonly errors?: readonly ExpectedError[] }
}

/** Options of {@link ByteToMessageDecoderVerifier}. */
export interface DecoderVerifierOptions {
  /** Where random chunks start (another at each run). A failure message names it; given here it brings the same chunks again. */
  readonly seed?: number
  /** Random cuttings of each input (32). */
  readonly randomFeeds?: number
  /** Single split points of each input (512); of a longer one the first half of them at its beginning, the others spread evenly. */
  readonly maxSplits?: number
  /** Bytes that come one by one (4096); the rest of a longer input comes in one chunk. */
  readonly maxSingleBytes?: number
  /**
   * How often all complete cases, those with messages alone, are put one behind another as one more input (2). 0 for a decoder whose
   * messages depend on what came before.
   */
  readonly repeats?: number
  /** Gives up a message of the decoder (releases it, or what its own fields hold, when that is reference-counted). */
  readonly release?: (msg: unknown) => void
}

const CHUNK_BYTES_SHOWN = 32
const CHUNKS_SHOWN = 40

/**
 * Tests that a decoder makes the same messages of the same bytes whatever chunks they come in. It throws a
 * {@link CodecVerificationError}, so it works under any test runner:
 *
 *     new ByteToMessageDecoderVerifier(() => new LengthFieldPrefixed()).verify([
 *       { input: Buffer.from('0003616263', 'hex'), messages: [Buffer.from('abc')] },
 *       { input: Buffer.from('00036162', 'hex'), messages: [], leftOver: Buffer.from('00036162', 'hex') },
 *     ])
 *
 * **Feeds.** Each input comes whole, byte by byte, split in two at every point, and in random chunks of a seed; and all complete cases
 * together, whole and in random chunks. Each feed runs twice, with a new decoder:
 *
 *     AUTO_READ on,  messages kept until their read is over, then the channel closes        -> messages, errors, atClose
 *     AUTO_READ off, messages released at once,              then the decoder is removed    -> messages, errors, leftOver
 *
 * When the last chunk gave an error, reads without bytes follow until one gives none: what stands behind an error that was thrown waits
 * for the next read.
 *
 * **Memory.** Chunks lie in memory that is overwritten when their read is over, as a socket's: a message that looks into it without a
 * reference comes out wrong. At the end every chunk must be released.
 *
 * A decoder that takes one message a chunk (`singleDecode`) or that removes itself depends on its chunks and cannot be tested so.
 */
export class ByteToMessageDecoderVerifier {
  private readonly newDecoder: HandlerFactory
  private readonly seed: number
  private readonly limits: FeedLimits
  private readonly repeats: number
  private readonly release: (msg: unknown) => void

  constructor(newDecoder: HandlerFactory, options: DecoderVerifierOptions = {}) {
    this.newDecoder = checkFunction(newDecoder, 'newDecoder')
    checkOptions(options, 'new ByteToMessageDecoderVerifier(newDecoder, { seed, randomFeeds })')
    this.seed = checkNonNegativeInteger(options.seed ?? anySeed(), 'seed')
    this.limits = {
      randomFeeds: checkNonNegativeInteger(options.randomFeeds ?? 32, 'randomFeeds'),
      maxSplits: checkNonNegativeInteger(options.maxSplits ?? 512, 'maxSplits'),
      maxSingleBytes: checkNonNegativeInteger(options.maxSingleBytes ?? 4096, 'maxSingleBytes'),
    }
    this.repeats = checkNonNegativeInteger(options.repeats ?? 2, 'repeats')
    this.release = checkFunction(options.release ?? releaseMessage, 'release')
  }

  /**
   * Runs every case under every feed; throws a {@link CodecVerificationError} at the first that is wrong, and an IllegalArgumentError when
   * there is no case.
   */
  verify(cases: readonly DecoderCase[]): void {
    if (cases.length === 0) throw new IllegalArgumentError('cases: none (expected: at least one, or nothing would be tested)')
    const complete: DecoderCase[] = []
    for (const [index, each] of cases.entries()) {
      const named = { ...each, name: each.name ?? `case ${index}` }
      let order: readonly unknown[] | undefined
      for (const feed of feedsOf(each.input.length, this.limits, this.seed)) order = this.runBoth(named, feed, order)
      if (isComplete(each)) complete.push(each)
    }
    if (complete.length > 0 && this.repeats > 0) this.verifyTogether(complete)
  }

  private verifyTogether(cases: readonly DecoderCase[]): void {
    const all = Array.from({ length: this.repeats }, () => cases).flat()
    const together: DecoderCase = {
      name: 'all complete cases together',
      input: Buffer.concat(all.map(({ input }) => input)),
      messages: all.flatMap(({ messages }) => messages),
    }
    const { length } = together.input
    if (length === 0) return
    this.runBoth(together, { name: 'whole', lengths: [length] })
    for (const feed of randomFeedsOf(length, this.limits.randomFeeds, this.seed)) this.runBoth(together, feed)
  }

  private runBoth(expected: DecoderCase, feed: Feed, order?: readonly unknown[]): readonly unknown[] {
    return this.run(expected, feed, 'removed', this.run(expected, feed, 'closed', order))
  }

  /** Gives messages and errors in the order in which they came before the end; all feeds must have the same. */
  private run(expected: DecoderCase, feed: Feed, end: RunEnd, order?: readonly unknown[]): readonly unknown[] {
    const chunks = chunksOf(expected.input, feed.lengths)
    const fail = (reason: VerificationReason, text: string, want?: unknown, got?: unknown, cause?: unknown): never => {
      const how = `${feed.name}, ${end === 'closed' ? 'then closed' : 'AUTO_READ off, then removed'}`
      const details = { caseName: expected.name as string, feed: how, chunks: showChunks(chunks), expected: want, actual: got }
      throw new CodecVerificationError(reason, failureMessage(text, details), details, cause === undefined ? undefined : { cause })
    }
    const made = this.newDecoder()
    const run = new DecoderRun(Array.isArray(made) ? (made as ChannelHandler[]) : [made as ChannelHandler], end, this.release)
    run.feed(chunks)
    if (run.fault !== undefined) fail(run.fault.reason, run.fault.message, undefined, undefined, run.fault.cause)
    const { messages, errors, messagesBeforeEnd, errorsBeforeEnd, leftOver } = run.output
    const compare = (when: string, wantMessages: readonly unknown[], wantErrors: readonly ExpectedError[], atEnd: boolean): void => {
      const gotErrors = atEnd ? errors : errors.slice(0, errorsBeforeEnd)
      if (!areErrors(gotErrors, wantErrors)) {
        fail('errors', `wrong errors ${when}`, wantErrors.map(nameOfExpected), gotErrors.map(showError), gotErrors.at(-1))
      }
      const want = toComparable(wantMessages)
      const got = atEnd ? messages : messages.slice(0, messagesBeforeEnd)
      if (!isSame(got, want)) fail('messages', `wrong messages ${when}`, want, got)
    }
    const { messages: wantMessages, errors: wantErrors = [], atClose } = expected
    compare('before the end', wantMessages, wantErrors, false)
    const came = inOrder(run.output)
    if (order !== undefined && !isSame(came, order)) fail('order', 'errors between other messages than with the chunks before', order, came)
    const more = end === 'closed' ? atClose : undefined
    compare(`with the channel ${end}`, [...wantMessages, ...(more?.messages ?? [])], [...wantErrors, ...(more?.errors ?? [])], true)
    if (end === 'removed' && (expected.leftOver !== undefined || wantErrors.length === 0)) {
      const wantLeft = toComparable(expected.leftOver ?? new Uint8Array(0))
      const gotLeft = toComparable(leftOver)
      if (!isSame(gotLeft, wantLeft)) fail('left-over', 'wrong bytes handed on by the removal', wantLeft, gotLeft)
    }
    const unreleased = run.findUnreleased()
    if (unreleased !== undefined) fail(unreleased.reason, unreleased.message)
    return came
  }
}

/** Messages before the end, with each error in its place, without its text: that may tell how much had come. */
function inOrder({ messages, errors, messagesBefore, messagesBeforeEnd, errorsBeforeEnd }: DecoderOutput): unknown[] {
  const all: unknown[] = messages.slice(0, messagesBeforeEnd)
  for (let index = errorsBeforeEnd - 1; index >= 0; index--) all.splice(messagesBefore[index]!, 0, nameOf(errors[index]!))
  return all
}

function isComplete({ errors, leftOver, atClose }: DecoderCase): boolean {
  return (errors?.length ?? 0) === 0 && (leftOver?.length ?? 0) === 0 && atClose === undefined
}

function chunksOf(input: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let at = 0
  return lengths.map((length) => input.subarray(at, (at += length)))
}

function areErrors(errors: readonly Error[], expected: readonly ExpectedError[]): boolean {
  if (errors.length !== expected.length) return false
  return expected.every((each, index) => {
    const error = errors[index]
    return typeof each === 'string' ? (error as { code?: unknown } | undefined)?.code === each : error instanceof each
  })
}

function nameOfExpected(expected: ExpectedError): string {
  return typeof expected === 'string' ? expected : expected.name
}

function showError(error: Error): string {
  return `${nameOf(error)}: ${error.message}`
}

function nameOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return `${error.name}${code === undefined ? '' : ` (${String(code)})`}`
}

function failureMessage(text: string, { caseName, feed, chunks, expected, actual }: VerificationDetails): string {
  const lines = [`${caseName}, fed ${feed}: ${text}`, `  chunks   [${chunks.join(' | ')}]`]
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const { start, lists } = fromDifference(expected, actual)
    if (start > 0) lines.push(`  the first ${start} are the same; behind them`)
    lines.push(`  expected ${showComparable(lists[0])}`, `  actual   ${showComparable(lists[1])}`)
  } else if (expected !== undefined) {
    lines.push(`  expected ${showComparable(expected)}`, `  actual   ${showComparable(actual)}`)
  }
  return lines.join('\n')
}

function showChunks(chunks: readonly Uint8Array[]): string[] {
  const shown = chunks.slice(0, CHUNKS_SHOWN).map((chunk) => {
    const hex = Buffer.from(chunk.subarray(0, CHUNK_BYTES_SHOWN)).toString('hex')
    return chunk.length > CHUNK_BYTES_SHOWN ? `${hex}… ${chunk.length} bytes` : hex
  })
  if (chunks.length > CHUNKS_SHOWN) shown.push(`… ${chunks.length} chunks`)
  return shown
}

function releaseMessage(msg: unknown): void {
  if (isReferenceCounted(msg)) release(msg)
  else if (typeof msg === 'object' && msg !== null) for (const part of Object.values(msg)) release(part)
}
