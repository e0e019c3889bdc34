/**
 * Something that is given up by its last user. Netty's ownership rules hold: who consumes a message releases it, who passes it on
 * passes the reference with it, `write()` takes it over. In Knotty unpooled memory belongs to the garbage collector too, so that a
 * forgotten release costs at most a copy, never a leak.
 */
export interface ReferenceCounted {
  /** How many references are out; 0 once given up. */
  readonly refCnt: number
  /** Adds `increment` references (1). An IllegalReferenceCountError when given up already. Returns this. */
  retain(increment?: number): this
  /** Takes `decrement` references back (1); true when the last one went. An IllegalReferenceCountError beyond 0. */
  release(decrement?: number): boolean
  /** Tells a leak detector where the object was seen; does nothing without one. Returns this. */
  touch(hint?: unknown): this
}

/** True for everything that has the members of {@link ReferenceCounted}, whichever copy of the package it came from. */
export function isReferenceCounted(value: unknown): value is ReferenceCounted {
  if (typeof value !== 'object' || value === null) return false
  const candidate = value as Partial<ReferenceCounted>
  return typeof candidate.refCnt === 'number' && typeof candidate.release === 'function' && typeof candidate.retain === 'function'
}

/** Retains `msg` once when it is {@link ReferenceCounted}; returns it in any case. Netty: ReferenceCountUtil.retain. */
export function retain<T>(msg: T): T {
  if (isReferenceCounted(msg)) msg.retain()
  return msg
}

/** Releases `msg` once when it is {@link ReferenceCounted}; true when that was the last reference. Netty: ReferenceCountUtil.release. */
export function release(msg: unknown): boolean {
  return isReferenceCounted(msg) && msg.release()
}
