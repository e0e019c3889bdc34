// Opens connections and keeps them: node idle-clients.js PORT COUNT [exchanged]. Prints `connected`. With `exchanged` each of them sends one
// message of 64 bytes, with a length before it, as soon as it is connected.
import { once } from 'node:events'
import net from 'node:net'

const AT_ONCE = 128
const MESSAGE_BYTES = 64

const [port, connections] = process.argv.slice(2, 4).map(Number) as [number, number]
const message = Buffer.alloc(4 + MESSAGE_BYTES)
message.writeUInt32BE(MESSAGE_BYTES)

let left = connections
async function connectOneAfterAnother(): Promise<void> {
  while (left-- > 0) {
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.resume()
    if (process.argv[4] === 'exchanged') socket.write(message)
  }
}
await Promise.all(Array.from({ length: Math.min(connections, AT_ONCE) }, connectOneAfterAnother))
console.log('connected')
