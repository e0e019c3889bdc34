import { DefaultPromise } from '@knotty/common'

/** Futures that somebody waits for, seen since the last {@link watchFutures}; done ones leave now and then. */
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

/** Starts to look at every future of this process to which a listener is added, as `await` does. */
export function watchFutures(): void {
  waited = new Set()
}

/** Those of them that nobody has completed. */
export function pendingFutures(): readonly string[] {
  if (waited === undefined) return []
  prune(waited)
  return [...waited].map(String)
}

/** Looks no more. */
export function forgetFutures(): void {
  waited = undefined
}

function prune(futures: Set<DefaultPromise<unknown>>): void {
  for (const future of futures) if (future.isDone) futures.delete(future)
}
