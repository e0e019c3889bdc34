import { type AttributeKey, IllegalStateError } from '@knotty/common'
import type { Channel } from '../channel/channel.js'
import type { ChannelFuture } from '../channel/channel-future.js'
import type { ChannelOption } from '../channel/channel-option.js'
import type { TypedPipelineInitializer } from '../channel/typed-pipeline.js'
import type { SocketAddress, SocketAddressLike } from '../socket/address.js'
import type { HostResolver } from '../socket/connector.js'
import { SocketConnection } from '../socket/socket-connection.js'
import { newSocketChannel } from '../socket/transport.js'
import {
  AbstractBootstrap,
  type BootstrapConfig,
  type ChannelRegistrar,
  checkGroup,
  type HandlerOrInitializer,
  type OperationOptions,
  parseAddress,
  parseTarget,
  type TargetArguments,
  toHandler,
  typedInitializer,
} from './abstract-bootstrap.js'

/** What {@link Bootstrap.config} tells. */
export interface ClientBootstrapConfig extends BootstrapConfig {
  readonly remoteAddress: SocketAddress | undefined
  readonly resolver: HostResolver | undefined
}

/**
 * Connects clients.
 *
 *     const channel = await new Bootstrap()
 *       .group(group)
 *       .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 5000)
 *       .handler((ch) => { ch.pipeline.addLast(new MyHandler()) })
 *       .connect(9000, 'server.example')
 *
 * One bootstrap may connect many times; each call makes a channel with the options as they are then.
 */
export class Bootstrap extends AbstractBootstrap<Channel> {
  private remote: SocketAddress | undefined = undefined
  private hostResolver: HostResolver | undefined = undefined

  /** The group channels are registered to; without it the shared one. */
  group(group: ChannelRegistrar): this {
    this.registrar = checkGroup(group, 'group')
    return this
  }

  /** The handler of the channel, or a function that builds its pipeline. Required. */
  handler(handler: HandlerOrInitializer): this {
    this.ownHandler = toHandler(handler, 'handler')
    return this
  }

  /**
   * {@link handler} with a pipeline the compiler checks: `pipeline((p) => p.addLast(new Framer()).addLast(new Codec())…)`. See
   * {@link TypedPipeline}. At run time `p` is the pipeline of the channel.
   */
  pipeline(initializer: TypedPipelineInitializer): this {
    this.ownHandler = typedInitializer(initializer, 'pipeline')
    return this
  }

  /** Where to connect when the call names no address. */
  remoteAddress(address: SocketAddressLike): this
  remoteAddress(port: number, host?: string): this
  remoteAddress(first: SocketAddressLike | number, host?: string): this {
    this.remote = parseAddress(first, host, 'localhost')
    return this
  }

  /** Turns host names into addresses; without it the system's lookup. */
  resolver(resolver: HostResolver): this {
    this.hostResolver = resolver
    return this
  }

  /** The settings as they are now. */
  get config(): ClientBootstrapConfig {
    return { ...this.baseConfig(), remoteAddress: this.remote, resolver: this.hostResolver }
  }

  /** A bootstrap of its own with the same settings. */
  clone(): Bootstrap {
    const copy = new Bootstrap()
    this.copyTo(copy)
    copy.remote = this.remote
    copy.hostResolver = this.hostResolver
    return copy
  }

  /**
   * Connects; the future gives the channel. All addresses of a host name are tried in order within CONNECT_TIMEOUT_MILLIS.
   * Fails with ConnectTimeoutError, ConnectError (which lists each try) or the only try's system error. `host` is localhost unless
   * given.
   */
  connect(options?: OperationOptions): ChannelFuture<Channel>
  connect(address: SocketAddressLike, options?: OperationOptions): ChannelFuture<Channel>
  connect(path: string, options?: OperationOptions): ChannelFuture<Channel>
  connect(port: number, options?: OperationOptions): ChannelFuture<Channel>
  connect(port: number, host: string, options?: OperationOptions): ChannelFuture<Channel>
  connect(...args: TargetArguments): ChannelFuture<Channel> {
    if (this.ownHandler === undefined) throw new IllegalStateError('no handler is set: call .handler(…) before connect')
    const { target = this.remote, options } = parseTarget(args, 'localhost')
    if (target === undefined) throw new IllegalStateError('no remote address is set: call connect(port, host) or .remoteAddress(…)')
    return this.start((channel) => channel.connect(target, this.local), target, options)
  }

  protected override initChannel(channel: Channel): void {
    for (const [option, value] of this.options) channel.config.setOption(option as ChannelOption<unknown>, value)
    for (const [key, value] of this.attrs) channel.attr(key as AttributeKey<unknown>).set(value)
    if (this.hostResolver !== undefined && channel instanceof SocketConnection) channel.resolver = this.hostResolver
    if (this.ownHandler !== undefined) channel.pipeline.addLast(this.ownHandler)
  }

  protected override defaultChannel(address: SocketAddress | undefined): Channel {
    return newSocketChannel(address)
  }
}
