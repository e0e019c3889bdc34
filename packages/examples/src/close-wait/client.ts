// Connects, says a word on each connection, hangs up, and ends: node packages/examples/dist/close-wait/client.js --port N --connections 5
import { Bootstrap, type ChannelFuture, EventLoopGroup, setLogger, Unpooled } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'

async function main(): Promise<void> {
  const { port, host, connections } = readOptions({ port: '9101', host: '127.0.0.1', connections: '5' })
  const count = wholeNumber(connections, 'connections', 1, 1000)
  const quiet = (): void => undefined
  setLogger({ debug: quiet, info: quiet, warn: quiet, error: quiet }) // a refused connection is what the story is about
  const group = new EventLoopGroup()
  const bootstrap = new Bootstrap().group(group).handler({ isSharable: true })
  const closed: ChannelFuture[] = []
  try {
    for (let index = 0; index < count; index++) {
      const channel = await bootstrap.connect(portNumber(port), host)
      channel.writeAndFlush(Unpooled.copiedBuffer('hello', 'utf8'), null)
      closed.push(channel.closeFuture)
      channel.closeAfterFlush()
    }
    for (const future of closed) await future
    console.log(`${count} connections opened and closed`)
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
