import { getLogger } from '@knotty/common'
import { ToldOnce } from './told-once.js'

/** Shorter names (bind, read, write, flush, close, connect) are too near to ordinary words. */
const MIN_LENGTH = 8
/** Names that are compared at most; a program with more of them has been told enough. */
const MAX_KNOWN = 10_000

/** Each name is compared once: handlers of one class come again and again. */
const meant = new Map<string, string | undefined>()
const told = new ToldOnce()

/** {@link misspeltEvent}, remembered: this is asked for each field of each handler that is added. */
export function meantEvent(name: string, events: Iterable<string>): string | undefined {
  let event = meant.get(name)
  if (event === undefined && !meant.has(name) && meant.size < MAX_KNOWN) {
    event = misspeltEvent(name, events)
    meant.set(name, event)
  }
  return event
}

/**
 * Warns, once for each class and name, when the own property `name` of `owner` is a method, and `event` is what was meant: `chanelRead` is
 * an ordinary method to JavaScript, and never called.
 */
export function warnIfMethod(className: string, owner: object, name: string, event: string): void {
  if (typeof Object.getOwnPropertyDescriptor(owner, name)?.value !== 'function') return
  const key = `${className}.${name}`
  if (told.isFirst(key)) getLogger().warn(`${key}() is never called by a pipeline: is ${event}() meant? (told once)`)
}

/**
 * The event that `name` is a misspelling of: a name of at least 8 letters that differs in case, or in one letter that is missing, too many,
 * another one, or changed places with its neighbour. A name that has the whole event in it is another name: channelRead0, channelReady,
 * handlerRemoved0, onChannelRead.
 */
export function misspeltEvent(name: string, events: Iterable<string>): string | undefined {
  if (name.length < MIN_LENGTH - 1) return undefined
  let found: string | undefined
  for (const event of events) {
    if (name === event) return undefined
    if (found === undefined && event.length >= MIN_LENGTH && !name.includes(event) && isOneEditAway(name.toLowerCase(), event.toLowerCase())) {
      found = event
    }
  }
  return found
}

function isOneEditAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  const shorter = Math.min(a.length, b.length)
  let start = 0
  while (start < shorter && a[start] === b[start]) start++
  let end = 0
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const leftA = a.slice(start, a.length - end)
  const leftB = b.slice(start, b.length - end)
  if (leftA.length <= 1 && leftB.length <= 1) return true
  return leftA.length === 2 && leftB.length === 2 && leftA[0] === leftB[1] && leftA[1] === leftB[0]
}
