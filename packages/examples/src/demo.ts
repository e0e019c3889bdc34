// npm start: three stories on real loopback connections, each with its server in a process of its own.
import { existsSync } from 'node:fs'
import { socketTransport } from 'knotty'
import { closeWaitStory, NETTY_IS_MISSING } from './close-wait/story.js'
import { framedServerStory } from './demo/framed-server-story.js'
import { heartbeatStory } from './demo/heartbeat-story.js'
import { exitOnSignals } from './end-together.js'

/** Of the third story; few, because Netty pauses for a second after each that it could not register. */
const CLIENTS = 3

async function main(): Promise<void> {
  exitOnSignals()
  process.exitCode = 1 // of a story that ends in the middle, because nothing is left that it could wait for
  console.log(`Knotty on Node.js ${process.version}, transport ${socketTransport()}\n`)
  console.log('A framed server')
  await framedServerStory()
  console.log('\nHeartbeats')
  await heartbeatStory()
  console.log('\nCLOSE_WAIT')
  if (existsSync('/proc/net/tcp')) await tellCloseWaitStory()
  else console.log('Left out: only Linux tells in /proc what the kernel still holds')
  process.exitCode = 0
}

async function tellCloseWaitStory(): Promise<void> {
  console.log(`1. A handler that is not sharable is given to every connection, in several servers; ${CLIENTS} clients connect, say a word and hang up`)
  let nettyRan = false
  for await (const { server, closeWait } of closeWaitStory(CLIENTS)) {
    nettyRan ||= server === 'Netty'
    console.log(`2. ${server}: sockets left in CLOSE_WAIT: ${closeWait}`)
    if (server === 'Knotty' && closeWait !== 0) throw new Error('Knotty left sockets behind')
  }
  if (!nettyRan) console.log(`   ${NETTY_IS_MISSING}`)
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
