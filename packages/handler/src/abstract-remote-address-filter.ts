import { release } from '@knotty/buffer'
import { checkDurationMs, checkOptions, IllegalStateError, logRejection, toError } from '@knotty/common'
import type { ChannelFuture, ChannelHandler, ChannelHandlerContext, SocketAddress } from '@knotty/transport'
import { callHook } from './call-hook.js'

/** Options of every {@link AbstractRemoteAddressFilter}. */
export interface RemoteAddressFilterOptions {
  /** How long a rejected connection may take for its farewell before it is closed all the same, in ms (5000). */
  readonly farewellTimeoutMs?: number
}

/**
 * Decides once, by the address of the peer, whether a connection is wanted; first in the pipeline of the children. One that is not is
 * closed, when the farewell that {@link channelRejected} may send is through, and no later handler hears of it: no channelActive, no
 * bytes, only errors. The filter then leaves the pipeline; it may be in many.
 *
 * The decision is made at channelRegistered when the address is known by then (an accepted connection), else at channelActive (one that
 * connects); of a channel that was active before the filter came, with the first bytes. An {@link accept} that throws,
 * or gives no boolean, is exceptionCaught, and rejects; an error of the two hooks is exceptionCaught, and changes nothing.
 */
export abstract class AbstractRemoteAddressFilter implements ChannelHandler {
  readonly isSharable = true
  readonly #farewellTimeoutMs: number

  constructor(options: RemoteAddressFilterOptions = {}) {
    checkOptions(options, `new ${this.constructor.name}({ farewellTimeoutMs })`)
    this.#farewellTimeoutMs = checkDurationMs(options.farewellTimeoutMs ?? 5000, 'farewellTimeoutMs')
  }

  /** Whether the connection is wanted. An address may be one without IP: a Unix domain socket's, or one within the process. */
  protected abstract accept(ctx: ChannelHandlerContext, remoteAddress: SocketAddress): boolean

  /** The connection is wanted. Override to be told; the context is out of the pipeline, and still reaches its neighbours. */
  protected channelAccepted(_ctx: ChannelHandlerContext, _remoteAddress: SocketAddress): void | Promise<void> {}

  /**
   * The connection is not wanted. Override to be told, or to send a farewell: `return ctx.writeAndFlush(bytes)`, which passes the
   * handlers before the filter; the connection is closed when that future is done.
   */
  protected channelRejected(_ctx: ChannelHandlerContext, _remoteAddress: SocketAddress): ChannelFuture | undefined {
    return undefined
  }

  channelRegistered(ctx: ChannelHandlerContext): void {
    if (this.#decide(ctx) !== 'rejected') ctx.fireChannelRegistered()
  }

  channelActive(ctx: ChannelHandlerContext): void {
    const verdict = this.#decide(ctx)
    if (verdict === 'open') throw new IllegalStateError(`${String(ctx.channel)} is active and has no remote address: it cannot be filtered`)
    if (verdict === 'accepted') ctx.fireChannelActive()
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    if (this.#decide(ctx) === 'accepted') ctx.fireChannelRead(msg)
    else release(msg)
  }

  /** 'open': there is no address yet. Otherwise the filter is out of the pipeline; where it rejected, SILENCE has its place. */
  #decide(ctx: ChannelHandlerContext): 'accepted' | 'rejected' | 'open' {
    const { remoteAddress } = ctx.channel
    if (remoteAddress === undefined) return 'open'
    let accepted = false
    let thrown: unknown
    try {
      accepted = this.#accept0(ctx, remoteAddress)
    } catch (error) {
      thrown = error
    }
    if (accepted) {
      ctx.pipeline.remove(ctx.name)
      callHook(ctx, () => this.channelAccepted(ctx, remoteAddress))
      return 'accepted'
    }
    ctx.pipeline.replace(ctx.name, null, SILENCE)
    if (thrown !== undefined) ctx.fireExceptionCaught(toError(thrown))
    this.#reject(ctx, remoteAddress)
    return 'rejected'
  }

  /** An async accept gives a promise, which is true to an `if`. */
  #accept0(ctx: ChannelHandlerContext, remoteAddress: SocketAddress): boolean {
    const accepted: unknown = this.accept(ctx, remoteAddress)
    if (typeof accepted === 'boolean') return accepted
    throw notExpected(`${this.constructor.name}.accept()`, accepted, 'true or false, at once')
  }

  #reject(ctx: ChannelHandlerContext, remoteAddress: SocketAddress): void {
    let farewell: ChannelFuture | undefined
    callHook(ctx, () => (farewell = this.#channelRejected0(ctx, remoteAddress)))
    if (farewell === undefined || farewell.isDone) ctx.close()
    else this.#closeAfter(farewell, ctx)
  }

  /** Of an async channelRejected nobody could say when what it writes is through. */
  #channelRejected0(ctx: ChannelHandlerContext, remoteAddress: SocketAddress): ChannelFuture | undefined {
    const farewell = this.channelRejected(ctx, remoteAddress)
    if (farewell === undefined || typeof farewell.addListener === 'function') return farewell
    throw notExpected(`${this.constructor.name}.channelRejected()`, farewell, 'a ChannelFuture or undefined')
  }

  #closeAfter(farewell: ChannelFuture, ctx: ChannelHandlerContext): void {
    const deadline = ctx.eventLoop.scheduleCoarse(() => ctx.close(), this.#farewellTimeoutMs)
    ctx.channel.closeFuture.addListener(() => deadline.cancel())
    farewell.addListener(() => ctx.close())
  }
}

function notExpected(what: string, given: unknown, expected: string): IllegalStateError {
  logRejection(given, what)
  return new IllegalStateError(`${what} gave ${String(given)} (expected: ${expected})`)
}

/** Stands where a filter rejected: nothing of the connection but its errors reaches the handlers behind. */
class Silence implements ChannelHandler {
  readonly isSharable = true

  channelRegistered(): void {}
  channelUnregistered(): void {}
  channelActive(): void {}
  channelInactive(): void {}
  channelReadComplete(): void {}
  channelWritabilityChanged(): void {}

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    release(msg)
  }

  userEventTriggered(_ctx: ChannelHandlerContext, event: unknown): void {
    release(event)
  }
}

const SILENCE = new Silence()
