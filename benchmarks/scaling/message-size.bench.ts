// Cost per message against its size: framer, echo handler and prepender over messages of 16 B to 1 MiB, through the slabs of the libuv
// transport, without the kernel.
//
// Run:   npm run bench -- --filter message-size
// Read:  nanoseconds a message: flat while a message costs more than its bytes, then a line. What bends it is written at the case.
import { bench } from '@knotty/bench'
import { LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'
import { CHUNK_BYTES, EmbeddedSocket, fillReadSlab } from './embedded-socket.js'

const HEADER_BYTES = 4
const SIZES = [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 524_288, 1_048_576]
const MAX_MESSAGES = 64

class Echo {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg, null)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }
}

function noteFor(size: number): { note?: string } {
  return size + HEADER_BYTES <= CHUNK_BYTES ? {} : { note: 'it comes in several reads, whose bytes are copied together' }
}

function nameOf(size: number): string {
  if (size < 1024) return `${size} B`
  return size < 1_048_576 ? `${size / 1024} KiB` : `${size / 1_048_576} MiB`
}

for (const size of SIZES) {
  const frameBytes = size + HEADER_BYTES
  const messages = Math.min(MAX_MESSAGES, Math.max(1, Math.floor(CHUNK_BYTES / frameBytes)))
  bench(
    nameOf(size),
    () => {
      const channel = new EmbeddedSocket(
        new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 24, lengthFieldLength: HEADER_BYTES, initialBytesToStrip: HEADER_BYTES }),
        new LengthFieldPrepender({ lengthFieldLength: HEADER_BYTES }),
        new Echo(),
      )
      const frame = Buffer.alloc(frameBytes)
      frame.writeUInt32BE(size)
      if (frameBytes <= CHUNK_BYTES) {
        fillReadSlab(Buffer.alloc(frameBytes * messages, frame))
        return () => channel.readSlab(frameBytes * messages)
      }
      // The first chunk has the header; what follows is body, whatever it is.
      const header = frame.subarray(0, HEADER_BYTES)
      return () => {
        fillReadSlab(header)
        for (let left = frameBytes; left > 0; left -= CHUNK_BYTES) channel.readSlab(Math.min(left, CHUNK_BYTES))
      }
    },
    { perRun: messages, ...noteFor(size) },
  )
}
