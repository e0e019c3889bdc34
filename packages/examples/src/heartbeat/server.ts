// Closes connections that miss three beats in a row: node packages/examples/dist/heartbeat/server.js --port 9077 --interval-ms 5000
import { type ChannelHandlerContext, EventLoopGroup, IdleStateHandler, ServerBootstrap, shutdownOnSignal, SimpleChannelInboundHandler } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'
import { addBeatProtocol, BEAT, type Beat, Note } from './beat-protocol.js'
import { MissedBeatsHandler } from './missed-beats-handler.js'

const MAX_MISSED = 3

/** Prints notes; a beat has done its work by coming. */
class NoteHandler extends SimpleChannelInboundHandler<Beat | Note> {
  readonly isSharable = true

  override channelRead0(ctx: ChannelHandlerContext, msg: Beat | Note): void {
    if (msg !== BEAT) console.log(`${String(ctx.channel.remoteAddress)} says ${msg.text}`)
  }
}

async function main(): Promise<void> {
  const { port, host, 'interval-ms': interval } = readOptions({ port: '9077', host: '127.0.0.1', 'interval-ms': '5000' })
  const readerIdleMs = wholeNumber(interval, 'interval-ms', 10, 3_600_000)
  const group = new EventLoopGroup()
  const notes = new NoteHandler()
  const server = await new ServerBootstrap()
    .group(group)
    .childHandler((channel) => {
      const dead = (ctx: ChannelHandlerContext, missed: number): void => {
        console.log(`${String(ctx.channel.remoteAddress)} missed ${missed} beats in a row and is closed`)
      }
      channel.pipeline.addLast(new IdleStateHandler({ readerIdleMs }), new MissedBeatsHandler(MAX_MISSED, dead)) // before the decoder
      addBeatProtocol(channel)
      channel.pipeline.addLast(notes)
    })
    .bind(portNumber(port), host)
  shutdownOnSignal({ group, servers: server, deadlineMs: 100 })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
