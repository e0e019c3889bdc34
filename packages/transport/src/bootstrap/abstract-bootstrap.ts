import { type AttributeKey, IllegalArgumentError, toError } from '@knotty/common'
import type { AbstractChannel } from '../channel/abstract-channel.js'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import type { ChannelHandler } from '../channel/channel-handler.js'
import { ChannelInitializer, type ChannelInitializerFunction } from '../channel/channel-initializer.js'
import type { ChannelOption } from '../channel/channel-option.js'
import { DefaultChannelPromise } from '../channel/channel-promise.js'
import { EventLoopGroup } from '../eventloop/event-loop-group.js'
import { type SocketAddress, type SocketAddressLike, TcpSocketAddress, toSocketAddress, UnixSocketAddress } from '../socket/address.js'

/** What registers channels: an {@link EventLoopGroup}, one of its loops, or a test's stand-in. */
export interface ChannelRegistrar {
  register(channel: Channel): ChannelFuture
}

/** Makes the channel of one bind or connect. */
export type ChannelFactory<C extends Channel> = () => C

/** Options of one bind or connect. */
export interface OperationOptions {
  /** Aborting it cancels the operation and closes its channel; the future fails with CancellationError, `cause` is the reason. */
  readonly signal?: AbortSignal | undefined
}

/** A handler, or a function that builds the pipeline of one channel. */
export type HandlerOrInitializer<C extends Channel = Channel> = ChannelHandler | ChannelInitializerFunction<C>

/** What a bootstrap was told: copies, in the order of the calls. */
export interface BootstrapConfig {
  readonly group: ChannelRegistrar | undefined
  readonly options: ReadonlyMap<ChannelOption<unknown>, unknown>
  readonly attrs: ReadonlyMap<AttributeKey<unknown>, unknown>
  readonly handler: ChannelHandler | undefined
  readonly localAddress: SocketAddress | undefined
}

/** What {@link Bootstrap} and {@link ServerBootstrap} share. Nothing here opens a socket: bind and connect do. */
export abstract class AbstractBootstrap<C extends Channel> {
  protected registrar: ChannelRegistrar | undefined = undefined
  protected factory: ChannelFactory<C> | undefined = undefined
  protected options: Map<ChannelOption<unknown>, unknown> = new Map<ChannelOption<unknown>, unknown>()
  protected attrs: Map<AttributeKey<unknown>, unknown> = new Map<AttributeKey<unknown>, unknown>()
  protected ownHandler: ChannelHandler | undefined = undefined
  protected local: SocketAddress | undefined = undefined

  /** Makes the channels; without it the TCP channel of this platform is made. */
  channel(factory: ChannelFactory<C>): this {
    if (typeof factory !== 'function' || Function.prototype.toString.call(factory).startsWith('class')) {
      throw new IllegalArgumentError('channel: pass a function that makes a channel, such as () => new LibuvServerChannel()')
    }
    this.factory = factory
    return this
  }

  /** Sets an option of the channel; null takes it back. */
  option<T>(option: ChannelOption<T>, value: T | null): this {
    setOrRemove(this.options, option, value === null ? null : option.validate(value))
    return this
  }

  /** Sets an attribute of the channel; null takes it back. */
  attr<T>(key: AttributeKey<T>, value: T | null): this {
    setOrRemove(this.attrs, key as AttributeKey<unknown>, value)
    return this
  }

  /** Where to bind, or to connect from, when the call names no address. */
  localAddress(address: SocketAddressLike): this
  localAddress(port: number, host?: string): this
  localAddress(first: SocketAddressLike | number, host?: string): this {
    this.local = parseAddress(first, host, '::')
    return this
  }

  protected abstract initChannel(channel: C): void
  protected abstract defaultChannel(): C

  protected baseConfig(): BootstrapConfig {
    return {
      group: this.registrar,
      options: new Map(this.options),
      attrs: new Map(this.attrs),
      handler: this.ownHandler,
      localAddress: this.local,
    }
  }

  protected copyTo(other: AbstractBootstrap<C>): void {
    other.registrar = this.registrar
    other.factory = this.factory
    other.options = new Map(this.options)
    other.attrs = new Map(this.attrs)
    other.ownHandler = this.ownHandler
    other.local = this.local
  }

  /**
   * Makes, initialises and registers a channel, then runs `operation` on it in a task of its loop. Any failure closes the channel;
   * the future gives the channel.
   */
  protected start(operation: (channel: C) => ChannelFuture, options: OperationOptions | undefined): ChannelFuture<C> {
    const channel = this.factory === undefined ? this.defaultChannel() : this.factory()
    const promise = new DefaultChannelPromise<C>(channel)
    const closeForcibly = (): void => (channel as unknown as AbstractChannel).closeForcibly()
    if (options?.signal?.aborted === true) {
      closeForcibly()
      promise.cancel(options.signal.reason)
      return promise
    }
    try {
      this.initChannel(channel)
    } catch (error) {
      closeForcibly()
      return promise.setFailure(toError(error))
    }
    const fail = (cause: Error | undefined): void => {
      promise.tryFailure(cause)
      if (channel.isOpen) channel.close()
    }
    cancelWithSignal(promise, options?.signal)
    promise.addListener(() => {
      if (promise.isCancelled) channel.close()
    })
    const run = (): void => {
      if (promise.isDone) return
      operation(channel).addListener((done) => {
        if (done.isSuccess) promise.trySuccess(channel)
        else fail(done.cause)
      })
    }
    ;(this.registrar ?? EventLoopGroup.shared()).register(channel).addListener((registered) => {
      if (registered.isSuccess) channel.eventLoop.execute(run)
      else fail(registered.cause)
    })
    return promise
  }
}

/** The handler itself, or an initializer around the function. */
export function toHandler<C extends Channel>(handler: HandlerOrInitializer<C>, caller: string): ChannelHandler {
  if (typeof handler === 'function') {
    if (Function.prototype.toString.call(handler).startsWith('class')) {
      throw new IllegalArgumentError(`${caller}: pass new ${handler.name}() or an initializer function, not the class`)
    }
    return new ChannelInitializer<C>(handler)
  }
  if (typeof handler === 'object' && handler !== null) return handler
  throw new IllegalArgumentError(`${caller}: ${String(handler)} (expected: a handler or an initializer function)`)
}

/** What bind and connect may be called with first: a port, a path, or an address object. */
export type Target = SocketAddressLike | number | string

/** True for a {@link Target}, false for the options of a call without one. */
export function isAddress(value: Target | OperationOptions | undefined): value is Target {
  if (typeof value === 'number' || typeof value === 'string') return true
  return value !== undefined && ('address' in value || 'path' in value || 'localId' in value)
}

/** The address a call names. */
export function parseAddress(first: Target, host: string | undefined, defaultHost: string): SocketAddress {
  if (typeof first === 'number') return new TcpSocketAddress(host ?? defaultHost, first)
  if (typeof first === 'string') return new UnixSocketAddress(first)
  return toSocketAddress(first)
}

function setOrRemove<K>(map: Map<K, unknown>, key: K, value: unknown): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}

function cancelWithSignal<T>(promise: DefaultChannelPromise<T>, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const abort = (): void => void promise.cancel(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  promise.addListener(() => signal.removeEventListener('abort', abort))
}
