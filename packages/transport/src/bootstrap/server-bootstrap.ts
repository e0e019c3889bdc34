import { type AttributeKey, getLogger, IllegalArgumentError, IllegalStateError } from '@knotty/common'
import { AbstractChannel } from '../channel/abstract-channel.js'
import type { BoundServerChannel, ServerChannel } from '../channel/channel.js'
import { checkSupported } from '../channel/channel-config.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import type { ChannelHandler } from '../channel/channel-handler.js'
import { ChannelInitializer } from '../channel/channel-initializer.js'
import type { ChannelOption } from '../channel/channel-option.js'
import { classNameOf } from '../channel/dispatch-table.js'
import { UnsupportedOptionError } from '../channel/errors.js'
import type { TypedPipelineInitializer } from '../channel/typed-pipeline.js'
import { EventLoopGroup } from '../eventloop/event-loop-group.js'
import type { SocketAddress, SocketAddressLike, TcpSocketAddress, UnixSocketAddress } from '../socket/address.js'
import { AbstractServerChannel } from '../socket/abstract-server-channel.js'
import { newServerChannel } from '../socket/transport.js'
import {
  AbstractBootstrap,
  type BootstrapConfig,
  type ChannelRegistrar,
  checkGroup,
  type HandlerOrInitializer,
  type OperationOptions,
  setAttr,
  setOption,
  parseTarget,
  type TargetArguments,
  toHandler,
  typedInitializer,
} from './abstract-bootstrap.js'
import { ServerBootstrapAcceptor } from './server-bootstrap-acceptor.js'

/** What {@link ServerBootstrap.config} tells. */
export interface ServerBootstrapConfig extends BootstrapConfig {
  readonly childGroup: ChannelRegistrar | undefined
  readonly childOptions: ReadonlyMap<ChannelOption<unknown>, unknown>
  readonly childAttrs: ReadonlyMap<AttributeKey<unknown>, unknown>
  readonly childHandler: ChannelHandler | undefined
}

/**
 * Binds servers.
 *
 *     const server = await new ServerBootstrap()
 *       .group(group)
 *       .childOption(ChannelOption.TCP_NODELAY, true)
 *       .childHandler((ch) => { ch.pipeline.addLast(new MyFramer(), new MyHandler()) })
 *       .bind(9000)
 *
 * `option`, `attr` and `handler` are for the listening channel; their `child…` twins for each accepted one. Child settings are
 * taken when bind is called.
 */
export class ServerBootstrap extends AbstractBootstrap<ServerChannel> {
  private childRegistrar: ChannelRegistrar | undefined = undefined
  private childOptions = new Map<ChannelOption<unknown>, unknown>()
  private childAttrs = new Map<AttributeKey<unknown>, unknown>()
  private ownChildHandler: ChannelHandler | undefined = undefined

  /** The group of the listening channel and, unless a second one is given, of the accepted channels. Without it the shared one. */
  group(group: ChannelRegistrar, childGroup?: ChannelRegistrar): this {
    this.registrar = checkGroup(group, 'group')
    this.childRegistrar = childGroup === undefined ? undefined : checkGroup(childGroup, 'childGroup')
    return this
  }

  /** A handler of the listening channel, or a function that builds its pipeline: it sees each accepted channel as a message. */
  handler(handler: HandlerOrInitializer<ServerChannel>): this {
    this.ownHandler = toHandler(handler, 'handler')
    return this
  }

  /** The handler of each accepted channel, or a function that builds its pipeline. Required. A plain handler must be sharable. */
  childHandler(handler: HandlerOrInitializer): this {
    this.ownChildHandler = toHandler(handler, 'childHandler')
    return this
  }

  /**
   * {@link childHandler} with a pipeline the compiler checks: `childPipeline((p) => p.addLast(new Framer()).addLast(new Codec())…)`. See
   * {@link TypedPipeline}. At run time `p` is the pipeline of the accepted channel.
   */
  childPipeline(initializer: TypedPipelineInitializer): this {
    this.ownChildHandler = typedInitializer(initializer, 'childPipeline')
    return this
  }

  /** Sets an option of accepted channels; null takes it back. */
  childOption<T>(option: ChannelOption<T>, value: T | null): this {
    setOption(this.childOptions, option, value, 'childOption')
    return this
  }

  /** Sets an attribute of accepted channels; null takes it back. */
  childAttr<T>(key: AttributeKey<T>, value: T | null): this {
    setAttr(this.childAttrs, key, value, 'childAttr')
    return this
  }

  /** The settings as they are now. */
  get config(): ServerBootstrapConfig {
    return {
      ...this.baseConfig(),
      childGroup: this.childRegistrar,
      childOptions: new Map(this.childOptions),
      childAttrs: new Map(this.childAttrs),
      childHandler: this.ownChildHandler,
    }
  }

  /** A bootstrap of its own with the same settings. */
  clone(): ServerBootstrap {
    const copy = new ServerBootstrap()
    this.copyTo(copy)
    copy.childRegistrar = this.childRegistrar
    copy.childOptions = new Map(this.childOptions)
    copy.childAttrs = new Map(this.childAttrs)
    copy.ownChildHandler = this.ownChildHandler
    return copy
  }

  /**
   * Listens; the future gives the server channel. Port 0 lets the kernel choose (see `localAddress`); without a host all addresses,
   * IPv6 and IPv4. Fails with the system error (EADDRINUSE, EACCES, …).
   */
  bind(options?: OperationOptions): ChannelFuture<BoundServerChannel>
  bind(address: SocketAddressLike, options?: OperationOptions): ChannelFuture<BoundServerChannel>
  bind(path: string, options?: OperationOptions): ChannelFuture<BoundServerChannel<UnixSocketAddress>>
  bind(port: number, options?: OperationOptions): ChannelFuture<BoundServerChannel<TcpSocketAddress>>
  bind(port: number, host: string, options?: OperationOptions): ChannelFuture<BoundServerChannel<TcpSocketAddress>>
  bind(...args: TargetArguments): ChannelFuture<BoundServerChannel<never>> {
    const childHandler = this.ownChildHandler
    if (childHandler === undefined) throw new IllegalStateError('no childHandler is set: call .childHandler(…) before bind')
    const { target = this.local, options } = parseTarget(args, '::')
    if (target === undefined) throw new IllegalStateError('no address is set: call bind(port) or .localAddress(…)')
    this.warnOfSingleUse(childHandler)
    const acceptor = new ServerBootstrapAcceptor({
      registrar: this.childRegistrar ?? this.registrar ?? EventLoopGroup.shared(),
      handler: childHandler,
      options: new Map(this.childOptions),
      attrs: new Map(this.childAttrs),
    })
    return this.start((channel) => {
      // Not before now: what the user's own initializer added, also an async one, stands before the acceptor.
      channel.pipeline.addLast(acceptor)
      return channel.bind(target)
    }, target, options) as ChannelFuture<BoundServerChannel<never>>
  }

  protected override initChannel(channel: ServerChannel): void {
    if (!(channel instanceof AbstractChannel) || !channel.isServer) {
      const given = (channel as object).constructor.name
      throw new IllegalArgumentError(`channel: ${given} is not a server channel (expected: () => new LibuvServerChannel())`)
    }
    if (channel instanceof AbstractServerChannel) {
      const { supportedOptions, supportedChildOptions } = channel
      for (const option of this.options.keys()) checkNotOfOther(option, supportedOptions, supportedChildOptions, 'child')
      for (const option of this.childOptions.keys()) checkNotOfOther(option, supportedChildOptions, supportedOptions, 'server')
      for (const option of this.childOptions.keys()) checkSupported(option, channel.supportedChildOptions, 'the child channel class')
    }
    for (const [option, value] of this.options) channel.config.setOption(option, value)
    for (const [key, value] of this.attrs) channel.attr(key).set(value)
    if (this.ownHandler !== undefined) channel.pipeline.addLast(this.ownHandler)
  }

  protected override defaultChannel(address: SocketAddress | undefined): ServerChannel {
    return newServerChannel(address)
  }

  private warnOfSingleUse(handler: ChannelHandler): void {
    if (handler instanceof ChannelInitializer || handler.isSharable === true) return
    const name = classNameOf(handler)
    getLogger().warn(
      `childHandler is one ${name} instance that is not sharable: every connection but the first will be refused. ` +
        `Pass childHandler((ch) => ch.pipeline.addLast(new ${name}())), or let it say isSharable = true`,
    )
  }
}

/** An option that the other kind of channel knows is one that was given to the wrong method. */
function checkNotOfOther(
  option: ChannelOption<unknown>,
  own: ReadonlySet<ChannelOption<unknown>>,
  other: ReadonlySet<ChannelOption<unknown>>,
  otherKind: 'child' | 'server',
): void {
  if (own.has(option) || !other.has(option)) return
  const advice = otherKind === 'child' ? 'accepted connections know it: use childOption(…)' : 'the server channel knows it: use option(…)'
  throw new UnsupportedOptionError(`${option.toString()}: ${advice}`)
}
