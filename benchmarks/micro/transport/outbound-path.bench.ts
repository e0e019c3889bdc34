// What one small message costs in JavaScript, without the kernel: 64 frames of 64 bytes a chunk, 64 channels in turn.
//
//   outbound   queue a header and a body, flush, gather both into the slab, remove them
//   whole      length-field framer, echo handler, prepender, and the above
//   copies     64 bytes from slab to slab: copyWithin in one array, Buffer.copy between two
//
// Run:   npm run bench -- --filter outbound-path
// Read:  nanoseconds a message (a copy).
import { bench } from '@knotty/bench'
import { ByteBuf, Storage } from '@knotty/buffer'
import { LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import { type ChannelHandlerContext, EmbeddedChannel, EventLoopGroup, OutboundBuffer } from '@knotty/transport'
import { GatheredWrite } from '../../../../packages/transport/dist/socket/write/gather-write.js'
import { LibuvIo } from '../../../../packages/transport/dist/socket/libuv/libuv-io.js'

const MESSAGES = 64
const HEADER_BYTES = 4
const BODY_BYTES = 64
const FRAME_BYTES = HEADER_BYTES + BODY_BYTES
const COPY_THRESHOLD_BYTES = 4096
const OPTIONS = { perRun: MESSAGES }

const io = LibuvIo.of(new EventLoopGroup().next())
const gathered = new GatheredWrite()
for (let index = 0; index < MESSAGES; index++) io.memory.writeInt32BE(BODY_BYTES, index * FRAME_BYTES)

/** As the libuv channel writes when the kernel takes everything at once. */
function send(outbound: OutboundBuffer): void {
  io.outbound.begin()
  gathered.gather(outbound, io, COPY_THRESHOLD_BYTES)
  const { bytes } = gathered
  gathered.clear()
  io.outbound.giveBack()
  outbound.removeBytes(bytes)
}

class SendingChannel extends EmbeddedChannel {
  protected override get sendsPrefixes(): boolean {
    return true
  }

  protected override doWrite(outbound: OutboundBuffer): void {
    send(outbound)
  }
}

class Echo {
  readonly isSharable = true

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg, null)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }
}

const chunk = (): ByteBuf => ByteBuf.overStorage(new Storage(io.memory, 0, MESSAGES * FRAME_BYTES, true))

bench('outbound', () => {
  const buffers = Array.from({ length: MESSAGES }, () => new OutboundBuffer(new EmbeddedChannel()))
  let round = 0
  return () => {
    const buffer = buffers[round++ % MESSAGES]!
    const bytes = chunk()
    for (let index = 0; index < MESSAGES; index++) {
      buffer.addMessage(bytes.readRetainedSlice(HEADER_BYTES), null)
      buffer.addMessage(bytes.readRetainedSlice(BODY_BYTES), null)
    }
    bytes.release()
    buffer.addFlush()
    send(buffer)
  }
}, OPTIONS)

bench('whole', () => {
  const echo = new Echo()
  const channels = Array.from({ length: MESSAGES }, () => {
    const lengths = { maxFrameLength: 1 << 20, lengthFieldLength: HEADER_BYTES, initialBytesToStrip: HEADER_BYTES }
    const framer = new LengthFieldBasedFrameDecoder(lengths)
    return new SendingChannel(framer, new LengthFieldPrepender({ lengthFieldLength: HEADER_BYTES }), echo)
  })
  let round = 0
  return () => {
    const { pipeline } = channels[round++ % MESSAGES]!
    pipeline.fireChannelRead(chunk())
    pipeline.fireChannelReadComplete()
  }
}, OPTIONS)

bench('copyWithin, 64 B', () => {
  let round = 0
  return () => {
    round++
    for (let index = 0; index < MESSAGES; index++) {
      const from = (round + index) & 1023
      io.memory.copyWithin(65_536 + index * 64, from, from + 64)
    }
  }
}, OPTIONS)

bench('Buffer.copy, 64 B', () => {
  const other = Buffer.allocUnsafeSlow(io.memory.length)
  let round = 0
  return () => {
    round++
    for (let index = 0; index < MESSAGES; index++) {
      const from = (round + index) & 1023
      other.copy(io.memory, 65_536 + index * 64, from, from + 64)
    }
  }
}, OPTIONS)
