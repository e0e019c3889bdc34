import { Buffer } from 'node:buffer'
import { inspect } from 'node:util'
import { ByteBuf, ByteBufUtil } from '@knotty/buffer'
import { checkOptions } from '@knotty/common'
import type { ChannelHandlerContext } from '@knotty/transport'
import { type HandlerEvent, ObservingHandler } from './observing-handler.js'

/** Options of {@link RecordingHandler}. */
export interface RecordingHandlerOptions {
  /** Put before each line, as `name: ` (nothing). */
  readonly name?: string
  /** Where the lines go (a list of its own): several handlers with one list show the order between them. */
  readonly events?: string[]
  /** A message or user event as text. The default shows text as it is, bytes as hexadecimal, errors as `Name: message`, all else as console.log would, in one line. */
  readonly show?: (value: unknown) => string
  /** Events that make no line, such as `channelReadComplete`, whose number depends on how a transport cuts the stream (none). */
  readonly ignore?: readonly HandlerEvent[]
}

/**
 * Writes every event that passes down as a line of text and passes it on, for asserting the order of events:
 *
 *     const recorder = new RecordingHandler()
 *     const channel = new EmbeddedChannel(recorder)
 *     recorder.take()      // ['handlerAdded', 'channelRegistered', 'channelActive', 'read']
 *     channel.writeInbound('hello')
 *     recorder.take()      // ['channelRead hello', 'channelReadComplete', 'read']
 *
 * A line is Netty's name of the event, then its message, user event or address, `writable` or `unwritable`, or the error as
 * `Name: message`. Ownership of a message passes on with it; nothing is released here. One instance belongs to one pipeline.
 */
export class RecordingHandler extends ObservingHandler {
  /** The lines so far, oldest first. */
  readonly events: string[]
  private readonly prefix: string
  private readonly show: (value: unknown) => string
  private readonly ignored: ReadonlySet<HandlerEvent>

  constructor(options: RecordingHandlerOptions = {}) {
    super()
    checkOptions(options, 'new RecordingHandler({ name })')
    this.events = options.events ?? []
    this.prefix = options.name === undefined ? '' : `${options.name}: `
    this.show = options.show ?? showValue
    this.ignored = new Set(options.ignore)
  }

  /** The lines since the last call, taken out. */
  take(): string[] {
    return this.events.splice(0)
  }

  protected saw(event: HandlerEvent, _ctx: ChannelHandlerContext, detail?: unknown): void {
    if (this.ignored.has(event)) return
    const text = detail === undefined ? '' : ` ${this.textOf(event, detail)}`
    this.events.push(`${this.prefix}${event}${text}`)
  }

  private textOf(event: HandlerEvent, detail: unknown): string {
    if (event === 'channelWritabilityChanged') return detail === true ? 'writable' : 'unwritable'
    if (event === 'bind' || event === 'connect') return String(detail)
    return this.show(detail)
  }
}

function showValue(value: unknown): string {
  if (typeof value === 'string') return value
  if (ByteBuf.isByteBuf(value)) return ByteBufUtil.hexDump(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true })
}
