import path from 'node:path'
import process from 'node:process'
import { release } from '@knotty/buffer'
import { Bootstrap, type Channel, type ChannelHandlerContext, EventLoopGroup } from '@knotty/transport'
import { startServer } from '../harness/processes.js'

const PEER = path.join(import.meta.dirname, 'discard-server.js')

/**
 * A libuv channel to a process of its own that reads everything, and answers with one byte for every `window` bytes: then
 * `onAcknowledged` is called. A peer that is gone ends this process with an error.
 */
export async function connectLoopback(window: number, onAcknowledged: () => void): Promise<Channel> {
  const { port } = await startServer([process.execPath, PEER, String(window)], { name: 'the reading peer' })
  return new Bootstrap()
    .group(new EventLoopGroup())
    .handler((channel) =>
      channel.pipeline.addLast({
        channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
          release(msg)
          onAcknowledged()
        },
        channelInactive(): never {
          throw new Error('the reading peer is gone')
        },
        exceptionCaught(_ctx: ChannelHandlerContext, cause: Error): void {
          process.nextTick(() => {
            throw cause
          })
        },
      }),
    )
    .connect(port, '127.0.0.1')
}
