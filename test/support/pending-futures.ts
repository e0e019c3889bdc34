import { DefaultPromise } from '@knotty/common'
import type { LeakCheck } from '@knotty/testing'

/** Futures that somebody waits for, seen since the last start; done ones leave now and then. */
let waited: Set<DefaultPromise<unknown>> | undefined
const MANY = 5000

const { addListener } = DefaultPromise.prototype
DefaultPromise.prototype.addListener = function (this: DefaultPromise<unknown>, listener: never) {
  if (waited !== undefined && !this.isDone) {
    waited.add(this)
    if (waited.size > MANY) prune(waited)
  }
  return addListener.call(this, listener)
} as typeof addListener

/** Looks at every future of this process to which a listener is added, as `await` does. */
export const pendingFutures: LeakCheck = {
  name: 'futures that somebody waits for are left pending',
  start() {
    waited = new Set()
  },
  left() {
    if (waited === undefined) return []
    prune(waited)
    return [...waited]
  },
  end() {
    waited = undefined
  },
}

function prune(futures: Set<DefaultPromise<unknown>>): void {
  for (const future of futures) if (future.isDone) futures.delete(future)
}
