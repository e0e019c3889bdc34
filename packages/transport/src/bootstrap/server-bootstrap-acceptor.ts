import { type AttributeKey, toError } from '@knotty/common'
import { AbstractChannel } from '../channel/abstract-channel.js'
import type { ChannelHandler } from '../channel/channel-handler.js'
import type { ChannelHandlerContext } from '../channel/channel-handler-context.js'
import type { ChannelOption } from '../channel/channel-option.js'
import type { ChannelRegistrar } from './abstract-bootstrap.js'

/** What every accepted channel gets; taken when the server is bound. */
export interface ChildSettings {
  readonly registrar: ChannelRegistrar
  readonly handler: ChannelHandler
  readonly options: ReadonlyMap<ChannelOption<unknown>, unknown>
  readonly attrs: ReadonlyMap<AttributeKey<unknown>, unknown>
}

const SETUP_FAILED = 'its handler, options or attributes could not be set'
const REGISTRATION_FAILED = 'the registration failed'

/**
 * The last handler of a server channel: gives each accepted channel its handler, options and attributes and registers it. Whatever
 * fails on the way gives the channel up, which closes it; the server goes on.
 */
export class ServerBootstrapAcceptor implements ChannelHandler {
  private readonly child: ChildSettings

  constructor(child: ChildSettings) {
    this.child = child
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    if (!(msg instanceof AbstractChannel)) return void ctx.fireChannelRead(msg)
    if (!msg.isOpen) return // refused, or closed by the handler that held it
    let step = SETUP_FAILED
    try {
      msg.pipeline.addLast(this.child.handler)
      for (const [option, value] of this.child.options) msg.config.setOption(option, value)
      for (const [key, value] of this.child.attrs) msg.attr(key).set(value)
      step = REGISTRATION_FAILED
      const registered = this.child.registrar.register(msg)
      if (!registered.isSuccess) registered.addListener(({ cause }) => cause !== undefined && msg.abandon(cause, REGISTRATION_FAILED))
    } catch (error) {
      msg.abandon(toError(error), step)
    }
  }
}
