import { AttributeKey, IllegalArgumentError, toError } from '@knotty/common'
import { AbstractChannel } from '../channel/abstract-channel.js'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import type { ChannelHandler } from '../channel/channel-handler.js'
import { ChannelInitializer, type ChannelInitializerFunction } from '../channel/channel-initializer.js'
import { ChannelOption } from '../channel/channel-option.js'
import { DefaultChannelPromise } from '../channel/channel-promise.js'
import { ChannelStateError } from '../channel/errors.js'
import { isClass } from '../channel/is-class.js'
import { type TypedPipelineInitializer, typedView } from '../channel/typed-pipeline.js'
import { EventLoopGroup } from '../eventloop/event-loop-group.js'
import { type SocketAddress, type SocketAddressLike, TcpSocketAddress, toSocketAddress, UnixSocketAddress } from '../socket/address.js'
import { LocalChannel } from '../socket/local/local-channel.js'

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

  /** Makes the channels; without it those of this platform's transport are made, or local ones for an address within the process. */
  channel(factory: ChannelFactory<C>): this {
    if (typeof factory !== 'function' || isClass(factory)) {
      throw new IllegalArgumentError('channel: pass a function that makes a channel, such as () => new LibuvServerChannel()')
    }
    this.factory = factory
    return this
  }

  /** Sets an option of the channel; null takes it back. */
  option<T>(option: ChannelOption<T>, value: T | null): this {
    setOption(this.options, option, value, 'option')
    return this
  }

  /** Sets an attribute of the channel; null takes it back. */
  attr<T>(key: AttributeKey<T>, value: T | null): this {
    setAttr(this.attrs, key, value, 'attr')
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
  /** Of the transport of this platform, for such an address. */
  protected abstract defaultChannel(address: SocketAddress | undefined): C

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
   * Makes, initialises and registers a channel, then runs `operation` on it in a task of its loop. Any failure closes the channel
   * and fails the future, also that of the factory; the future gives the channel.
   */
  protected start(
    operation: (channel: C) => ChannelFuture,
    address: SocketAddress,
    options: OperationOptions | undefined,
  ): ChannelFuture<C> {
    let channel: C
    try {
      channel = this.makeChannel(address)
    } catch (error) {
      // A future needs a channel: one that never was open.
      const none = new LocalChannel()
      none.closeForcibly()
      return new DefaultChannelPromise<C>(none as unknown as C).setFailure(toError(error))
    }
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
      try {
        operation(channel).addListener((done) => {
          if (done.isSuccess) promise.trySuccess(channel)
          else fail(done.cause)
        })
      } catch (error) {
        fail(toError(error))
      }
    }
    try {
      ;(this.registrar ?? EventLoopGroup.shared()).register(channel).addListener((registered) => {
        if (registered.isSuccess) channel.eventLoop.execute(run)
        else fail(registered.cause)
      })
    } catch (error) {
      fail(toError(error))
    }
    return promise
  }

  private makeChannel(address: SocketAddress): C {
    if (this.factory === undefined) return this.defaultChannel(address)
    const channel: unknown = this.factory()
    if (!(channel instanceof AbstractChannel)) {
      throw new IllegalArgumentError(`channel: the function gave ${String(channel)} (expected: a new channel)`)
    }
    if (!channel.isOpen || channel.isRegistered) throw new ChannelStateError('channel: the function gave a channel that was used before')
    return channel as unknown as C
  }
}

/** The group itself; an IllegalArgumentError when it registers no channels. */
export function checkGroup(group: ChannelRegistrar, name: string): ChannelRegistrar {
  if (typeof group === 'object' && group !== null && typeof group.register === 'function') return group
  throw new IllegalArgumentError(`${name}: ${String(group)} (expected: an EventLoopGroup; leave group() out to use the shared one)`)
}

/** The handler itself, or an initializer around the function. */
export function toHandler<C extends Channel>(handler: HandlerOrInitializer<C>, caller: string): ChannelHandler {
  if (typeof handler === 'function') {
    if (isClass(handler)) {
      throw new IllegalArgumentError(`${caller}: pass new ${handler.name}() or an initializer function, not the class`)
    }
    return new ChannelInitializer<C>(handler)
  }
  if (typeof handler === 'object' && handler !== null) return handler
  throw new IllegalArgumentError(`${caller}: ${String(handler)} (expected: a handler or an initializer function)`)
}

/** The handler that runs an initializer of a typed pipeline. */
export function typedInitializer(initializer: TypedPipelineInitializer, caller: string): ChannelHandler {
  if (typeof initializer !== 'function' || isClass(initializer)) {
    throw new IllegalArgumentError(`${caller}: pass a function that builds the pipeline, such as (p) => p.addLast(new MyHandler())`)
  }
  // What it gives goes on: an async one, which the types refuse, is waited for all the same.
  return new ChannelInitializer((channel) => initializer(typedView(channel.pipeline), channel))
}

/** What bind and connect may be called with first: a port, a path, or an address object. */
export type Target = SocketAddressLike | number | string

/** The arguments of bind and connect, in the forms their overloads list. */
export type TargetArguments = [first?: Target | OperationOptions, second?: string | OperationOptions, third?: OperationOptions]

/** What a call of bind or connect names: where, if it says so, and its options. */
export function parseTarget(
  args: TargetArguments,
  defaultHost: string,
): { readonly target: SocketAddress | undefined; readonly options: OperationOptions | undefined } {
  const [first, second, third] = args
  if (typeof first === 'string' && typeof second === 'number') {
    throw new IllegalArgumentError(`('${first}', ${String(second)}): the port comes first here: (${String(second)}, '${first}')`)
  }
  const options = third ?? (typeof second === 'object' ? second : undefined)
  if (!isTarget(first)) return { target: undefined, options: options ?? first }
  return { target: parseAddress(first, typeof second === 'string' ? second : undefined, defaultHost), options }
}

function isTarget(value: Target | OperationOptions | undefined): value is Target {
  if (value === undefined) return false
  if (typeof value !== 'object' || value === null) return true
  return 'address' in value || 'path' in value || 'localId' in value || 'port' in value
}

/** The address a call names. */
export function parseAddress(first: Target, host: string | undefined, defaultHost: string): SocketAddress {
  if (typeof first === 'number') return new TcpSocketAddress(host ?? defaultHost, first)
  if (typeof first === 'string') {
    if (/^\d+$/.test(first)) throw new IllegalArgumentError(`'${first}' is a string, and so a path: pass the port as a number, ${first}`)
    return new UnixSocketAddress(first)
  }
  return toSocketAddress(first)
}

/** Sets an option, or with null takes it back. An IllegalArgumentError when it is no option: a misspelt one is undefined. */
export function setOption<T>(map: Map<ChannelOption<unknown>, unknown>, option: ChannelOption<T>, value: T | null, caller: string): void {
  if (!(option instanceof ChannelOption)) throw new IllegalArgumentError(`${caller}: ${String(option)} (expected: a ChannelOption)`)
  if (value === null) map.delete(option)
  else map.set(option, option.validate(value))
}

/** Sets an attribute, or with null takes it back. */
export function setAttr<T>(map: Map<AttributeKey<unknown>, unknown>, key: AttributeKey<T>, value: T | null, caller: string): void {
  if (!(key instanceof AttributeKey)) throw new IllegalArgumentError(`${caller}: ${String(key)} (expected: an AttributeKey)`)
  if (value === null) map.delete(key as AttributeKey<unknown>)
  else map.set(key as AttributeKey<unknown>, value)
}

function cancelWithSignal<T>(promise: DefaultChannelPromise<T>, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const abort = (): void => void promise.cancel(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  promise.addListener(() => signal.removeEventListener('abort', abort))
}
