import { DefaultPromise, diagnostics, type Executor, IllegalArgumentError, IllegalStateError } from '@knotty/common'
import type { Channel } from './channel.js'
import type { ChannelFuture } from './channel-future.js'
import { ClosedChannelError } from './errors.js'

/** The write side of a {@link ChannelFuture}: whoever ends the operation completes it. */
export interface ChannelPromise<T = void> extends ChannelFuture<T> {
  trySuccess(value: T): boolean
  tryFailure(cause: unknown): boolean
  /** An {@link IllegalStateError} when the promise is done. */
  setSuccess(value: T): this
  /** An {@link IllegalStateError} when the promise is done. */
  setFailure(cause: unknown): this
  /** False when it was cancelled; from now on it cannot be. */
  setUncancellable(): boolean
}

const brand: unique symbol = Symbol.for('knotty.channelPromise') as never

/** The one implementation of {@link ChannelPromise}. */
export class DefaultChannelPromise<T = void> extends DefaultPromise<T> implements ChannelPromise<T> {
  readonly channel: Channel

  constructor(channel: Channel) {
    super()
    this.channel = channel
  }

  protected override get executor(): Executor {
    return this.channel.isRegistered ? this.channel.eventLoop : super.executor
  }

  static {
    Object.defineProperty(this.prototype, brand, { value: true })
  }
}

/** The closeFuture of a channel: read-only for everybody but the channel. */
export class CloseFuture extends DefaultChannelPromise {
  override trySuccess(): boolean {
    throw new IllegalStateError('only the channel completes its closeFuture')
  }

  override tryFailure(): boolean {
    throw new IllegalStateError('only the channel completes its closeFuture')
  }

  override cancel(): boolean {
    return false
  }

  /** Completes it; what the channel calls. */
  setClosed(): void {
    super.trySuccess()
  }
}

/**
 * Checks a promise that was passed to an outbound operation. False when it is cancelled already: then the operation is not
 * done. An {@link IllegalArgumentError} when it can not belong to the operation.
 */
export function checkPromise(promise: ChannelPromise, channel: Channel): boolean {
  if (typeof promise !== 'object' || promise === null || !(brand in promise)) {
    throw new IllegalArgumentError(`promise: ${String(promise)} (expected: one made by newPromise())`)
  }
  if (promise.isDone) {
    if (promise.isCancelled) return false
    throw new IllegalArgumentError(`promise: done already: ${String(promise)}`)
  }
  if (promise.channel !== channel) throw new IllegalArgumentError('promise: belongs to another channel')
  if (promise instanceof CloseFuture) throw new IllegalArgumentError('promise: a closeFuture is completed by the channel only')
  return true
}

/**
 * Fails the promise of an operation. With a null promise nobody watches: an error other than "closed" is then fired through the
 * pipeline, so that a write that could not even be encoded is never lost without a word.
 */
export function failPromise(promise: ChannelPromise | null, cause: Error, channel: Channel): void {
  if (promise !== null) {
    promise.tryFailure(cause)
    return
  }
  if (diagnostics.writeFailed.hasSubscribers) diagnostics.writeFailed.publish({ channel, cause })
  if (!(cause instanceof ClosedChannelError)) channel.pipeline.fireExceptionCaught(cause)
}
