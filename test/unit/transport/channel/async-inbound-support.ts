import assert from 'node:assert/strict'
import { AsyncChannel, type AsyncChannelOptions, EmbeddedChannel } from '@knotty/transport'

export class Counted {
  refCnt = 1

  retain(): this {
    this.refCnt++
    return this
  }

  release(): boolean {
    return --this.refCnt === 0
  }
}

/** A channel with an AsyncChannel as its last handler, and every change of AUTO_READ that the transport is asked for. */
export function wrapped(options?: AsyncChannelOptions): { channel: EmbeddedChannel; ch: AsyncChannel<unknown, unknown>; autoRead: boolean[] } {
  const autoRead: boolean[] = []
  class Watched extends EmbeddedChannel {
    override autoReadChanged(value: boolean): void {
      autoRead.push(value)
      super.autoReadChanged(value)
    }
  }
  const channel = new Watched()
  return { channel, ch: AsyncChannel.wrap(channel, options), autoRead }
}

export async function take(iterator: AsyncIterator<unknown>, count: number): Promise<unknown[]> {
  const taken: unknown[] = []
  while (taken.length < count) {
    const { done, value } = await iterator.next()
    assert.equal(done, false)
    taken.push(value)
  }
  return taken
}

export async function rest(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = []
  for await (const msg of messages) taken.push(msg)
  return taken
}

/** True when the promise is not settled after all microtasks have run. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await new Promise((resolve) => setImmediate(resolve))
  return !settled
}
