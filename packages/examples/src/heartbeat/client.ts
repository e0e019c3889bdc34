// Stays connected: node packages/examples/dist/heartbeat/client.js --port 9077 --beat-ms 3000 --clients 1
// Kill the server and start it again: the clients come back, each at a time of its own.
import { Bootstrap, EventLoopGroup, IdleStateHandler, ReconnectingClient, shutdownOnSignal } from 'knotty'
import { portNumber, readOptions, runAsProgram, wholeNumber } from '../command-line.js'
import { addBeatProtocol, Note } from './beat-protocol.js'
import { BeatHandler } from './beat-handler.js'

async function main(): Promise<void> {
  const options = readOptions({ port: '9077', host: '127.0.0.1', 'beat-ms': '3000', clients: '1', 'min-delay-ms': '1000', 'max-delay-ms': '30000' })
  const writerIdleMs = wholeNumber(options['beat-ms'], 'beat-ms', 10, 3_600_000)
  const minDelayMs = wholeNumber(options['min-delay-ms'], 'min-delay-ms', 1, 3_600_000)
  const maxDelayMs = wholeNumber(options['max-delay-ms'], 'max-delay-ms', minDelayMs, 3_600_000)
  const group = new EventLoopGroup()
  const beats = new BeatHandler()
  const bootstrap = new Bootstrap()
    .group(group)
    .remoteAddress(portNumber(options.port), options.host)
    .handler((channel) => {
      channel.pipeline.addLast(new IdleStateHandler({ writerIdleMs }))
      addBeatProtocol(channel)
      channel.pipeline.addLast(beats)
    })

  const clients = Array.from({ length: wholeNumber(options.clients, 'clients', 1, 10_000) }, (_, number) => {
    let lostAt: number | undefined
    const client = new ReconnectingClient(bootstrap, { minDelayMs, maxDelayMs, stableAfterMs: 2 * writerIdleMs })
    client.on('connected', (channel) => {
      const away = lostAt === undefined ? '' : ` again after ${Math.round(performance.now() - lostAt)} ms`
      console.log(`client ${number} is connected${away}`)
      channel.writeAndFlush(new Note(`hello from client ${number}`), null)
    })
    client.on('disconnected', () => {
      lostAt = performance.now()
      console.log(`client ${number} lost its connection`)
    })
    client.on('scheduled', ({ attempt, delayMs }) => console.log(`client ${number} tries again in ${Math.round(delayMs)} ms, attempt ${attempt}`))
    return client.start()
  })
  console.log(`${clients.length} clients`)
  shutdownOnSignal({ group })
}

runAsProgram(import.meta.url, main)
