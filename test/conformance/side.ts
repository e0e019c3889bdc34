import { ByteBuf, Unpooled } from '@knotty/buffer'
import {
  type Channel,
  type ChannelFuture,
  type ChannelHandler,
  type ChannelHandlerContext,
  type ChannelPromise,
} from '@knotty/transport'
import type { OptionValues } from '../support/tcp.js'
import { errorName } from './logs.js'
import { type EventName, RecordingHandler } from './recording-handler.js'

/** How one end of a connection is built. */
export interface SideOptions {
  /** Handlers between the transport and the recorder. */
  readonly below?: () => readonly ChannelHandler[]
  /** Handlers behind the recorder; they get everything but messages. */
  readonly above?: () => readonly ChannelHandler[]
  /** What the scenario does at an event, behind the line in the log. */
  readonly on?: Readonly<Partial<Record<EventName, (side: Side, detail: string) => void>>>
  /**
   * `mode`: reads as the cell says, by AUTO_READ or by read() in channelActive and channelReadComplete. `never`: with AUTO_READ off,
   * and nobody calls read() until the scenario does. `own`: as the cell says, but the scenario calls read().
   */
  readonly reading?: 'mode' | 'never' | 'own'
  /** Count the bytes that come, and log none of them. */
  readonly quiet?: boolean
  /** Pass exceptions on to the tail, which closes the channel. */
  readonly passExceptions?: boolean
  readonly options?: OptionValues
}

/** One end of a connection, with its logs and with futures that are watched. */
export class Side {
  readonly label: string
  readonly settings: SideOptions
  /** With AUTO_READ off: the recorder calls read() itself. */
  asksForReads: boolean
  readonly inbound: string[] = []
  readonly promises: string[] = []
  readonly closing: string[] = []
  /** The lines of all three logs in their true order. */
  readonly merged: string[] = []
  /** Operations that are not done. */
  readonly pending: Set<string> = new Set<string>()
  bytes = 0
  private found: Channel | undefined = undefined
  private context: ChannelHandlerContext | undefined = undefined
  private waiting: { readonly ready: () => boolean; readonly resolve: () => void }[] = []

  constructor(label: string, settings: SideOptions, manual: boolean) {
    this.label = label
    this.settings = settings
    this.asksForReads = manual && (settings.reading ?? 'mode') === 'mode'
  }

  get channel(): Channel {
    if (this.found === undefined) throw new Error(`${this.label} has no channel yet`)
    return this.found
  }

  /** The context of the recorder. */
  get ctx(): ChannelHandlerContext {
    if (this.context === undefined) throw new Error(`the recorder of ${this.label} was not added yet`)
    return this.context
  }

  set ctx(context: ChannelHandlerContext) {
    this.context = context
  }

  get isOpen(): boolean {
    return this.found?.isOpen === true
  }

  /** Puts the handlers into the pipeline: what an initializer calls. */
  attach(channel: Channel): void {
    this.found = channel
    channel.closeFuture.addListener(() => this.log('closing', 'closeFuture'))
    channel.pipeline.addLast(...(this.settings.below?.() ?? []))
    channel.pipeline.addLast('recorder', new RecordingHandler(this))
    channel.pipeline.addLast(...(this.settings.above?.() ?? []))
  }

  log(log: 'inbound' | 'promises' | 'closing', line: string): void {
    this[log].push(line)
    this.note(line)
  }

  /** A line of the merged log alone. */
  note(line: string): void {
    this.merged.push(line)
    this.check()
  }

  /** Looks whether somebody waits for what is the case now. */
  check(): void {
    const ready = this.waiting.filter((each) => each.ready())
    if (ready.length === 0) return
    this.waiting = this.waiting.filter((each) => !ready.includes(each))
    for (const each of ready) each.resolve()
  }

  /** Until the line has been logged so many times. */
  seen(line: string, times = 1): Promise<void> {
    return this.until(() => this.merged.filter((each) => each === line).length >= times)
  }

  /** Until so many bytes have come in all. */
  received(bytes: number): Promise<void> {
    return this.until(() => this.bytes >= bytes)
  }

  /** Until it is so; looked at whenever something is logged or comes in. */
  until(ready: () => boolean): Promise<void> {
    return ready() ? Promise.resolve() : new Promise((resolve) => void this.waiting.push({ ready, resolve }))
  }

  /** Until the last handler is out. */
  get ended(): Promise<void> {
    return this.seen('removed')
  }

  /** Watches an operation: its outcome is a line of the log. */
  track<F extends ChannelFuture<unknown>>(name: string, future: F, log: 'promises' | 'closing' = 'promises'): F {
    this.pending.add(name)
    future.addListener(() => {
      this.pending.delete(name)
      this.log(log, `${name} ${future.isSuccess ? 'ok' : errorName(future.cause as Error)}`)
    })
    return future
  }

  /** Waits for the outcome, whatever it is. */
  async settled(...futures: readonly ChannelFuture<unknown>[]): Promise<void> {
    for (const future of futures) await new Promise<void>((resolve) => void future.addListener(() => resolve()))
  }

  /** A promise that is watched, to pass to an operation. */
  promise(name: string): ChannelPromise {
    return this.track(name, this.channel.newPromise())
  }

  write(message: string | Uint8Array, name: string = nameOf(message)): ChannelPromise {
    return this.channel.write(bufferOf(message), this.promise(`write ${name}`))
  }

  send(message: string | Uint8Array, name: string = nameOf(message)): ChannelPromise {
    return this.channel.writeAndFlush(bufferOf(message), this.promise(`write ${name}`))
  }

  close(name = 'close'): ChannelFuture {
    return this.channel.close(this.track(name, this.channel.newPromise(), 'closing'))
  }

  disconnect(): ChannelFuture {
    return this.channel.disconnect(this.track('disconnect', this.channel.newPromise(), 'closing'))
  }

  abort(): ChannelFuture {
    return this.track('abort', this.channel.abort(), 'closing')
  }

  shutdownOutput(): ChannelFuture {
    return this.track('shutdownOutput', this.channel.shutdownOutput())
  }
}

function nameOf(message: string | Uint8Array): string {
  return typeof message === 'string' ? message : `${message.length} bytes`
}

/** Always a ByteBuf: the local transport passes messages as they are. */
function bufferOf(message: string | Uint8Array): ByteBuf {
  return typeof message === 'string' ? Unpooled.copiedBuffer(message, 'latin1') : Unpooled.wrappedBuffer(message)
}
