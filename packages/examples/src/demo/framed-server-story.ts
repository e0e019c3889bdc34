import { openSocketInodes } from '@knotty/testing'
import { EventLoopGroup } from 'knotty'
import { MAX_MESSAGE_BYTES } from '../echo/pipeline.js'
import { brokenRegistration } from './broken-registration.js'
import { EchoClient } from './echo-client.js'
import { ExampleProcess } from './example-process.js'
import { measureRate } from './message-rate.js'

/** How many sockets this process has open; only Linux tells. */
function socketsOpen(): number | undefined {
  return process.platform === 'linux' ? openSocketInodes().size : undefined
}

/** Messages of all sizes, frames in pieces, an over-long frame, a broken registration, the rate, and a shutdown in good order. */
export async function framedServerStory(): Promise<void> {
  const server = new ExampleProcess('echo/server.js', '--port', '0', '--framing', 'length4')
  const port = await server.port()
  const group = new EventLoopGroup()
  try {
    const client = await EchoClient.connect(group, port)
    console.log(`1. An echo server listens on 127.0.0.1:${port}: a 4-byte length before each message, at most 1 MiB`)

    for (const bytes of [0, 1, 1024, 65_536, MAX_MESSAGE_BYTES]) {
      const ms = await client.roundTrip(bytes)
      console.log(`2. A message of ${bytes} bytes came back the same (${ms.toFixed(1)} ms)`)
    }
    const pieces = await client.inPieces(20)
    console.log(`3. A frame sent in ${pieces} pieces, a byte or two each, came back whole`)

    const closedBy = await client.announce(MAX_MESSAGE_BYTES + 1)
    console.log(`4. A length of ${MAX_MESSAGE_BYTES + 1} bytes was announced: ${closedBy}`)

    const before = socketsOpen()
    const { connected, refused, reason } = await brokenRegistration(3)
    const after = socketsOpen()
    const left = before === undefined || after === undefined ? 'unknown here' : after - before
    console.log(`5. A server whose childHandler throws: ${connected} clients connected, ${refused} refused ("${reason}"), sockets left: ${left}`)
    if (refused !== connected || (typeof left === 'number' && left !== 0)) throw new Error('a broken registration left a socket behind')

    const rate = await measureRate(group, port, { connections: 64, messageBytes: 64, inFlight: 64, durationMs: 2000 })
    console.log(`6. 64 connections, 64 messages of 64 bytes in flight on each: ${Math.round(rate).toLocaleString('en')} messages/s there and back`)
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
  const code = await server.end('SIGTERM')
  console.log(`7. SIGTERM: the server ended with code ${String(code)}`)
  if (code !== 0) throw new Error(`the echo server ended with code ${String(code)}`)
}
