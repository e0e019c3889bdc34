import { type Channel, LineBasedFrameDecoder, LineEncoder, StringDecoder } from 'knotty'

/** The longest line both sides take. */
const MAX_LINE_BYTES = 8192

/** Lines of text in, lines of text out: what comes is cut at line ends and decoded, what is written gets a line end. */
export function addLines(channel: Channel): void {
  channel.pipeline.addLast(new LineBasedFrameDecoder({ maxLength: MAX_LINE_BYTES }), new StringDecoder(), new LineEncoder({ lineSeparator: '\r\n' }))
}
