// Holds idle connections on node:net, with nothing but the three listeners that every server has: node --expose-gc idle-net.js FIRST LAST [exchanged].
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import process from 'node:process'
import { reportIdleMemory } from './idle-memory.js'

const exchanged = process.argv[4] === 'exchanged'
const counted = reportIdleMemory(Number(process.argv[2]), Number(process.argv[3]))
const server = net.createServer((socket) => {
  let messages = 0
  socket.on('data', (chunk) => {
    socket.write(chunk)
    if (exchanged && messages++ === 0) counted()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => undefined)
  if (!exchanged) counted()
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`)
})
