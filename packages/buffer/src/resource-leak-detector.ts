import process from 'node:process'
import { diagnostics, getLogger, IllegalArgumentError, shown } from '@knotty/common'
import { LeakRecord, placesOf } from './leak-record.js'
import type { Storage } from './storage.js'

/** How closely the {@link ResourceLeakDetector} looks. */
export type LeakDetectionLevel = 'disabled' | 'simple' | 'advanced' | 'paranoid'

const LEVELS: readonly LeakDetectionLevel[] = ['disabled', 'simple', 'advanced', 'paranoid']
/** On average one in so many buffers is watched. Netty: SAMPLING_INTERVAL. */
const SAMPLING_INTERVAL = 128
/**
 * Frames of the allocating place that are kept. A stack of 6, and the watching, take some 12 us, so one in 128 some 100 ns a buffer, of
 * which pooled memory itself takes 50 and unpooled memory of 256 bytes 450 (Node 20.20.2; measured once, no
 * benchmark is kept).
 */
const SIMPLE_FRAMES = 6
const ADVANCED_FRAMES = 12
/** Two stacks that agree in so many frames are one place, those of Node.js and of awaiting callers apart: they change from call to call. */
const KEY_FRAMES = SIMPLE_FRAMES
const PASSING_FRAME = /^at async |\bnode:/
/** So many places are told of; a program that leaks from more has been told enough. */
const MAX_SITES = 1000

/**
 * Tells of pooled memory that was not recycled: the last reference to a buffer was lost without its last `release()`. That costs the pool
 * a piece of memory, which the garbage collector takes; it is neither a leak of memory nor an error. Netty: ResourceLeakDetector.
 *
 * | level | which buffers | what is told |
 * |---|---|---|
 * | `disabled` | none | |
 * | `simple` | one in 128 | where it was allocated |
 * | `advanced` | one in 128 | also where it was last touched, retained and released, and with what hint |
 * | `paranoid` | all | the same |
 *
 * The level is `simple` unless the environment variable KNOTTY_LEAK_DETECTION names another one. Levels below advanced cost nothing when
 * a buffer is used. From advanced on chunks of a socket that a handler still holds when its channelRead is over are told of too (they
 * cost a copy), and event methods that were assigned to a handler after it was added.
 *
 * Each place is told of once: as a warning, and as the event `knotty:leak:detected` (see `diagnostics`).
 */
export class ResourceLeakDetector {
  private static current: LeakDetectionLevel = 'disabled'
  /** Buffers up to the next one that is watched. */
  private static countdown = 0
  private static sampling = false
  /** Follows from the level; kept, because each message that is written asks for it. */
  private static advanced = false
  private static readonly sites = new Set<string>()
  private static readonly registry = new FinalizationRegistry<LeakRecord>((record) => ResourceLeakDetector.lost(record))

  /** The level in force. */
  static get level(): LeakDetectionLevel {
    return ResourceLeakDetector.current
  }

  /**
   * Changes the level, for buffers that are allocated and handlers that are added from now on. An {@link IllegalArgumentError} for another
   * word.
   */
  static setLevel(level: LeakDetectionLevel): void {
    if (!LEVELS.includes(level)) throw new IllegalArgumentError(`level: ${shown(level)} (expected: ${LEVELS.join(', ')})`)
    ResourceLeakDetector.current = level
    ResourceLeakDetector.sampling = level !== 'disabled'
    ResourceLeakDetector.advanced = level === 'advanced' || level === 'paranoid'
    ResourceLeakDetector.countdown = ResourceLeakDetector.interval()
  }

  /** Internal: the level is advanced or paranoid. */
  static get isAdvanced(): boolean {
    return ResourceLeakDetector.advanced
  }

  /** Internal: a storage has got pooled memory; `method` is what the user called. */
  static allocated(storage: Storage, method: (...args: never[]) => unknown): void {
    if (!ResourceLeakDetector.sampling || --ResourceLeakDetector.countdown > 0) return
    ResourceLeakDetector.countdown = ResourceLeakDetector.interval()
    const piece = storage.piece
    if (piece === undefined) return
    const { advanced } = ResourceLeakDetector
    const record = new LeakRecord(placesOf(method, advanced ? ADVANCED_FRAMES : SIMPLE_FRAMES), advanced)
    piece.leak = record
    ResourceLeakDetector.registry.register(storage, record, record)
  }

  /** Internal: the memory is back in its pool, or was given up to somebody who keeps it. */
  static closed(record: LeakRecord): void {
    ResourceLeakDetector.registry.unregister(record)
  }

  /** Internal: tells of something that was kept, once for each place, which `key` names. */
  static report(resource: string, key: string, site: string, accesses: readonly string[], message: () => string): void {
    const { sites } = ResourceLeakDetector
    if (sites.has(key) || sites.size >= MAX_SITES) return
    sites.add(key)
    getLogger().warn(message())
    if (diagnostics.leakDetected.hasSubscribers) diagnostics.leakDetected.publish({ resource, site, accesses })
  }

  private static lost(record: LeakRecord): void {
    const accesses = record.accesses ?? []
    const site = record.site.join(' ')
    const key = record.site.slice(0, KEY_FRAMES).filter((frame) => !PASSING_FRAME.test(frame)).join(' ')
    ResourceLeakDetector.report('pooled memory', key, site, accesses, () => {
      const seen =
        record.accesses === undefined
          ? 'KNOTTY_LEAK_DETECTION=advanced tells where it was last seen'
          : `last seen, latest first: ${accesses.length === 0 ? 'nowhere' : [...accesses].reverse().join('; ')}`
      return `pooled memory was not recycled: release() of a buffer was forgotten. It was allocated ${site}; ${seen} (told once)`
    })
  }

  private static interval(): number {
    // At random, so that a program with a period of its own does not have the same buffer watched each time.
    return ResourceLeakDetector.current === 'paranoid' ? 1 : 1 + Math.floor(Math.random() * (2 * SAMPLING_INTERVAL - 1))
  }

  static {
    const wanted = process.env['KNOTTY_LEAK_DETECTION']
    try {
      ResourceLeakDetector.setLevel((wanted ?? 'simple') as LeakDetectionLevel)
    } catch (error) {
      ResourceLeakDetector.setLevel('simple')
      getLogger().warn('KNOTTY_LEAK_DETECTION is ignored', error)
    }
  }
}
