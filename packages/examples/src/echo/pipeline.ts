import { type Channel, LengthFieldBasedFrameDecoder, LengthFieldPrepender } from 'knotty'
import type { Framing } from './options.js'

/** The longest message both sides take: 1 MiB. */
export const MAX_MESSAGE_BYTES: number = 1024 * 1024

/** Adds what turns the byte stream into messages, and messages into bytes. */
export function addFraming(channel: Channel, framing: Framing): void {
  if (framing === 'none') return
  channel.pipeline.addLast(
    new LengthFieldBasedFrameDecoder({ maxFrameLength: MAX_MESSAGE_BYTES + 4, lengthFieldLength: 4, initialBytesToStrip: 4 }),
    new LengthFieldPrepender({ lengthFieldLength: 4 }),
  )
}
