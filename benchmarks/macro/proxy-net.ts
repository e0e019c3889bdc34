// The proxy that most people write on node:net, two pipes: node proxy-net.js TARGET_PORT. Prints `listening on 127.0.0.1:PORT`.
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import process from 'node:process'

const server = net.createServer({ noDelay: true }, (front) => {
  const back = net.connect({ port: Number(process.argv[2]), host: '127.0.0.1', noDelay: true })
  front.pipe(back).pipe(front)
  front.on('error', () => back.destroy())
  back.on('error', () => front.destroy())
})
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`))
