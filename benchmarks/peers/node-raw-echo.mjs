// The raw echo server that most people write on node:net, one socket.write a chunk. Prints `listening on 127.0.0.1:PORT`.
// The framed ones are in ../prototype/slab-echo.mjs.
import net from 'node:net'

const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => socket.write(chunk))
})
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`))
