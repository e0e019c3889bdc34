// npm start: a length-framed echo server and its clients on real loopback connections.
import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { EventLoopGroup } from 'knotty'
import { brokenRegistration } from './demo/broken-registration.js'
import { EchoClient } from './demo/echo-client.js'
import { measureRate } from './demo/message-rate.js'
import { MAX_MESSAGE_BYTES } from './echo/pipeline.js'

/** The echo server of this package in a process of its own, as a user would start it. */
async function startServerProcess(): Promise<{ process: ChildProcess; port: number }> {
  const child = fork(new URL('echo/server.js', import.meta.url), ['--port', '0', '--framing', 'length4'], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  child.stderr?.on('data', (text: Buffer) => console.log(`     the server says: ${text.toString().trim()}`))
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}`)))
    child.stdout?.on('data', (text: Buffer) => {
      const match = /listening on 127\.0\.0\.1:(\d+)/.exec(text.toString())
      if (match !== null) resolve(Number(match[1]))
    })
  })
  return { process: child, port }
}

function socketsOpen(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false // the descriptor of this very listing
    }
  }).length
}

async function main(): Promise<void> {
  const server = await startServerProcess()
  const group = new EventLoopGroup()
  try {
    const client = await EchoClient.connect(group, server.port)
    console.log(`Knotty demo on Node.js ${process.version}, transport ${client.channel.transport}`)
    console.log(`1. An echo server listens on 127.0.0.1:${server.port}: a 4-byte length before each message, at most 1 MiB`)

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
    const left = socketsOpen() - before
    console.log(`5. A server whose childHandler throws: ${connected} clients connected, ${refused} refused ("${reason}"), sockets left: ${left}`)
    if (refused !== connected || left !== 0) throw new Error('a broken registration left a socket behind')

    const rate = await measureRate(group, server.port, { connections: 64, messageBytes: 64, inFlight: 64, durationMs: 2000 })
    console.log(`6. 64 connections, 64 messages of 64 bytes in flight on each: ${Math.round(rate).toLocaleString('en')} messages/s there and back`)
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
    server.process.kill('SIGTERM')
  }
  const code = await new Promise((resolve) => server.process.once('exit', resolve))
  console.log(`7. SIGTERM: the server ended with code ${String(code)}`)
  if (code !== 0) process.exitCode = 1
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
