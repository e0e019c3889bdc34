// What churn-knotty.ts does, on node:net: node churn-net.js closing|answering.
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import process from 'node:process'

const closing = process.argv[2] === 'closing'
const server = net.createServer({ noDelay: true }, (socket) => {
  if (closing) return socket.destroy()
  socket.on('error', () => socket.destroy()) // the client's reset
  return socket.on('data', (chunk) => socket.write(chunk))
})
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`))
