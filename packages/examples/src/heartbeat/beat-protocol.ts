import {
  type ByteBuf,
  type Channel,
  type ChannelHandlerContext,
  CorruptedFrameError,
  LengthFieldBasedFrameDecoder,
  LengthFieldPrepender,
  MessageToMessageCodec,
  Unpooled,
} from 'knotty'

/** A sign of life; it asks for no answer. */
export const BEAT = 'beat'
export type Beat = typeof BEAT

/** Text that the application sends. */
export class Note {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const BEAT_TYPE = 0
const NOTE_TYPE = 1
const MAX_FRAME_BYTES = 1024

/**
 * Adds the codec of the story:
 *
 *     | length 2 | type 1: 0 beat, 1 note | text of a note, UTF-8 |
 */
export function addBeatProtocol(channel: Channel): void {
  channel.pipeline.addLast(
    new LengthFieldBasedFrameDecoder({ maxFrameLength: MAX_FRAME_BYTES, lengthFieldLength: 2, initialBytesToStrip: 2 }),
    new LengthFieldPrepender({ lengthFieldLength: 2 }),
    new BeatCodec(),
  )
}

class BeatCodec extends MessageToMessageCodec<ByteBuf, Beat | Note> {
  constructor() {
    super({ outbound: (msg): msg is Beat | Note => msg === BEAT || msg instanceof Note })
  }

  protected override encode(_ctx: ChannelHandlerContext, msg: Beat | Note, out: unknown[]): void {
    if (msg === BEAT) out.push(Unpooled.buffer(1).writeByte(BEAT_TYPE))
    else out.push(Unpooled.wrappedBuffer(Buffer.concat([Buffer.of(NOTE_TYPE), Buffer.from(msg.text)])))
  }

  protected override decode(_ctx: ChannelHandlerContext, frame: ByteBuf, out: unknown[]): void {
    const type = frame.isReadable ? frame.readUnsignedByte() : -1
    if (type === BEAT_TYPE) out.push(BEAT)
    else if (type === NOTE_TYPE) out.push(new Note(frame.toString('utf8')))
    else throw new CorruptedFrameError(`type: ${type} (expected: ${BEAT_TYPE} or ${NOTE_TYPE})`)
  }
}
