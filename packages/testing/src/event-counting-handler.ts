import type { ChannelHandlerContext } from '@knotty/transport'
import { type HandlerEvent, ObservingHandler } from './observing-handler.js'

/**
 * Counts every event that passes and changes nothing. Put it before, behind or between handlers to see what they add or swallow:
 *
 *     const counts = new EventCountingHandler()
 *     const channel = new EmbeddedChannel(decoder, counts)
 *     channel.writeInbound(bytes)
 *     counts.count('channelRead')                                        // messages the decoder made
 *
 * May be in many pipelines at once; it counts them together.
 */
export class EventCountingHandler extends ObservingHandler {
  readonly isSharable: boolean = true
  private readonly counted = new Map<HandlerEvent, number>()

  /** How often the event has passed since the handler was made, or {@link reset}. */
  count(event: HandlerEvent): number {
    return this.counted.get(event) ?? 0
  }

  /** All events that have passed with their numbers, for comparing at once; those that have not are absent. */
  get counts(): Readonly<Partial<Record<HandlerEvent, number>>> {
    return Object.fromEntries(this.counted)
  }

  /** Counts from 0 again. */
  reset(): void {
    this.counted.clear()
  }

  protected saw(event: HandlerEvent, _ctx: ChannelHandlerContext): void {
    this.counted.set(event, this.count(event) + 1)
  }
}
