// Holds idle connections on node:net, with nothing but the three listeners that every server has: node --expose-gc idle-net.js FIRST LAST.
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import process from 'node:process'
import { reportIdleMemory } from './idle-memory.js'

const connected = reportIdleMemory(Number(process.argv[2]), Number(process.argv[3]))
const server = net.createServer((socket) => {
  socket.on('data', (chunk) => socket.write(chunk))
  socket.on('error', () => socket.destroy())
  socket.on('close', () => undefined)
  connected()
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`))
