import { release } from '@knotty/buffer'

const lists: unknown[][] = []
let inUse = 0

/**
 * An empty list for the messages of one decode or encode. Lists are a stack shared by the codecs of this thread, because codecs nest: what
 * one fires runs the next inside. Whoever takes one gives it back in a `finally`. Netty: CodecOutputList.
 */
export function takeOutList(): unknown[] {
  const list = (lists[inUse] ??= [])
  inUse++
  return list
}

/** Gives the list back that was taken last. What is still in it was not passed on: it is released. */
export function giveBackOutList(list: unknown[]): void {
  // pop and not `length = 0`, which would drop the list's memory and make every message allocate it again
  while (list.length > 0) release(list.pop())
  inUse--
}
