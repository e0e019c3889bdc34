// A framed echo without a socket: length-field framer, echo handler, prepender, and the queue of what is to be written.
//
// Run:   npm run bench -- --filter embedded-echo
// Read:  nanoseconds a message.
import { Buffer } from 'node:buffer'
import { bench, pipelineHarness } from '@knotty/bench'
import { LengthFieldBasedFrameDecoder, LengthFieldPrepender } from '@knotty/codec'
import type { ChannelHandlerContext } from '@knotty/transport'

class Echo {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.write(msg, null)
  }

  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }
}

for (const [messages, bytes] of [[1, 64], [64, 64], [16, 4096]] as const) {
  bench(`${messages} x ${bytes} B a chunk`, () => {
    const { read } = pipelineHarness(
      new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 20, lengthFieldLength: 4, initialBytesToStrip: 4 }),
      new LengthFieldPrepender({ lengthFieldLength: 4 }),
      new Echo(),
    )
    const frame = Buffer.alloc(4 + bytes)
    frame.writeInt32BE(bytes)
    const chunk = Buffer.concat(Array.from({ length: messages }, () => frame))
    return () => read(chunk)
  }, { perRun: messages })
}
