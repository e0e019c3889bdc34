import { ByteBuf, release } from '@knotty/buffer'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelInputShutdownEvent,
  ChannelInputShutdownReadComplete,
  ChannelOutputShutdownEvent,
} from '@knotty/transport'
import { errorName } from './logs.js'
import type { Side } from './side.js'

export type EventName =
  | 'handlerAdded'
  | 'registered'
  | 'active'
  | 'read'
  | 'readComplete'
  | 'event'
  | 'writability'
  | 'exception'
  | 'inactive'
  | 'unregistered'
  | 'handlerRemoved'

const EVENTS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [ChannelInputShutdownEvent.INSTANCE, 'input shutdown'],
  [ChannelInputShutdownReadComplete.INSTANCE, 'input shutdown read complete'],
  [ChannelOutputShutdownEvent.INSTANCE, 'output shutdown'],
])

/**
 * Writes down what a handler sees, then does what the scenario wants at this event. channelReadComplete is no line of a log: how
 * often it comes depends on how the transport cuts the stream.
 */
export class RecordingHandler implements ChannelHandler {
  private readonly side: Side

  constructor(side: Side) {
    this.side = side
  }

  handlerAdded(ctx: ChannelHandlerContext): void {
    this.side.ctx = ctx
    this.then('handlerAdded')
  }

  handlerRemoved(): void {
    this.then('handlerRemoved')
    this.side.log('closing', 'removed')
  }

  channelRegistered(ctx: ChannelHandlerContext): void {
    this.side.log('inbound', 'registered')
    ctx.fireChannelRegistered()
    this.then('registered')
  }

  channelActive(ctx: ChannelHandlerContext): void {
    this.side.log('inbound', 'active')
    ctx.fireChannelActive()
    this.then('active', '', true)
  }

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    const text = this.take(msg)
    if (this.side.settings.quiet === true) this.side.check()
    else this.side.log('inbound', `read ${text}`)
    this.then('read', text)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.fireChannelReadComplete()
    this.then('readComplete', '', true)
  }

  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    const name = EVENTS.get(event) ?? String(event)
    this.side.log('inbound', name)
    ctx.fireUserEventTriggered(event)
    this.then('event', name, event === ChannelInputShutdownEvent.INSTANCE)
  }

  channelWritabilityChanged(ctx: ChannelHandlerContext): void {
    const state = ctx.channel.isWritable ? 'writable' : 'unwritable'
    this.side.log('inbound', state)
    ctx.fireChannelWritabilityChanged()
    this.then('writability', state)
  }

  exceptionCaught(ctx: ChannelHandlerContext, cause: Error): void {
    const name = errorName(cause)
    this.side.log('inbound', `exception ${name}`)
    this.then('exception', name)
    if (this.side.settings.passExceptions === true) ctx.fireExceptionCaught(cause)
  }

  channelInactive(ctx: ChannelHandlerContext): void {
    this.side.inbound.push('inactive')
    this.side.log('closing', 'inactive')
    ctx.fireChannelInactive()
    this.then('inactive')
  }

  channelUnregistered(ctx: ChannelHandlerContext): void {
    this.side.inbound.push('unregistered')
    // A channel that is open was deregistered by itself: no step of closing.
    if (ctx.channel.isOpen) this.side.note('unregistered')
    else this.side.log('closing', 'unregistered')
    ctx.fireChannelUnregistered()
    this.then('unregistered')
  }

  private take(msg: unknown): string {
    const { side } = this
    const quiet = side.settings.quiet === true
    try {
      if (typeof msg === 'string') return msg
      if (ByteBuf.isByteBuf(msg)) {
        side.bytes += msg.readableBytes
        return quiet ? '' : msg.toString('latin1')
      }
      if (!(msg instanceof Uint8Array)) return String(msg)
      side.bytes += msg.length
      return quiet ? '' : Buffer.from(msg).toString('latin1')
    } finally {
      release(msg)
    }
  }

  /** What the scenario does now; then, also when that throws, the read() that AUTO_READ would be. */
  private then(event: EventName, detail = '', readOn = false): void {
    try {
      this.side.settings.on?.[event]?.(this.side, detail)
    } finally {
      if (readOn && this.side.asksForReads) this.side.ctx.read()
    }
  }
}
