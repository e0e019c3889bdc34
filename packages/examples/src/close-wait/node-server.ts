// The same fault on node:net alone: node packages/examples/dist/close-wait/node-server.js --port 0
import net from 'node:net'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'

/** A handler that keeps something of one connection, and refuses a second one as a pipeline does. */
class CountingEcho {
  private messages = 0
  private socket: net.Socket | undefined

  attach(socket: net.Socket): void {
    if (this.socket !== undefined) throw new Error('CountingEcho is not sharable, and is in use')
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      this.messages++
      socket.write(bytes)
    })
    socket.resume()
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '0', host: '127.0.0.1' })
  // What most servers have, so that one bad connection does not end all others. It hides that nobody owns the socket any more.
  process.on('uncaughtException', (error) => console.error(`refused: ${error.message}`))
  const echo = new CountingEcho()
  const server = net.createServer({ pauseOnConnect: true }, (socket) => echo.attach(socket))
  await new Promise<void>((resolve) => server.listen(portNumber(port), host, resolve))
  const { address, port: chosen } = server.address() as net.AddressInfo
  console.log(`listening on ${address}:${chosen}`)
}

runAsProgram(import.meta.url, main)
