// Sends each line of standard input and prints the answers:
// printf 'hello\nworld\n' | node packages/examples/dist/custom-protocol/client.js --port 9100
import { createInterface } from 'node:readline'
import { Bootstrap, EventLoopGroup } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'
import { MessageDecoder } from './message-decoder.js'
import { MessageEncoder } from './message-encoder.js'
import { RequestHandler } from './request-handler.js'

async function main(): Promise<void> {
  const { port, host, 'timeout-ms': timeout } = readOptions({ port: '9100', host: '127.0.0.1', 'timeout-ms': '10000' })
  const group = new EventLoopGroup()
  const requests = new RequestHandler(wholeNumber(timeout, 'timeout-ms', 1, 3_600_000))
  try {
    const channel = await new Bootstrap()
      .group(group)
      .handler((ch) => ch.pipeline.addLast(new MessageDecoder(), new MessageEncoder(), requests))
      .connect(portNumber(port), host)
    const input = createInterface({ input: process.stdin })
    channel.closeFuture.addListener(() => input.close())
    for await (const line of input) console.log(await requests.ask(line))
    if (!channel.isActive) throw new Error('the server closed the connection')
    await channel.close()
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
