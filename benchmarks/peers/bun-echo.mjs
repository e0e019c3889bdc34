// The echo server as one writes it by hand on Bun.listen, `bun bun-echo.mjs framed|raw`. Prints `listening on 127.0.0.1:PORT`.
//
// framed: 4-byte big-endian length, message. The replies of a chunk are gathered, frame by frame as a server must that makes its
//         replies, into one buffer and leave as one write; a partial frame at the end of the chunk is carried to the next.
// What the kernel does not take is kept and written when the socket drains; reading pauses meanwhile.
/* global Bun */

const HEADER = 4
const MAX_FRAME = 1 << 24

const empty = Buffer.alloc(0)
const framed = process.argv[2] !== 'raw'
let out = Buffer.allocUnsafeSlow(65_536) // the replies of the chunk that is being read
let end = 0

class Connection {
  carry = empty
  carried = 0
  unsent = empty
}

function frameLength(bytes, at) {
  const length = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) + HEADER
  if (length < HEADER || length > MAX_FRAME) throw new RangeError(`frame of ${length} bytes`)
  return length
}

/** `bytes` with room for `length`, the first `used` kept. */
function grown(bytes, used, length) {
  if (bytes.length >= length) return bytes
  const larger = Buffer.allocUnsafeSlow(length)
  bytes.copy(larger, 0, 0, used)
  return larger
}

function gather(source, from, length) {
  if (length > out.length - end) out = grown(out, end, Math.max(out.length * 2, end + length))
  source.copy(out, end, from, from + length)
  end += length
}

/** Completes the partial frame of earlier chunks as far as this chunk goes; returns how many bytes it took. */
function completeCarry(connection, chunk) {
  let at = 0
  while (connection.carried < HEADER && at < chunk.length) connection.carry[connection.carried++] = chunk[at++]
  if (connection.carried < HEADER) return at
  const length = frameLength(connection.carry, 0)
  connection.carry = grown(connection.carry, connection.carried, length)
  const taken = Math.min(length - connection.carried, chunk.length - at)
  chunk.copy(connection.carry, connection.carried, at, at + taken)
  connection.carried += taken
  if (connection.carried === length) {
    gather(connection.carry, 0, length)
    connection.carried = 0
  }
  return at + taken
}

function readFrames(socket, chunk) {
  const connection = socket.data
  end = 0
  let at = connection.carried === 0 ? 0 : completeCarry(connection, chunk)
  while (chunk.length - at >= HEADER) {
    const length = frameLength(chunk, at)
    if (length > chunk.length - at) break
    gather(chunk, at, length)
    at += length
  }
  if (at < chunk.length) {
    const rest = chunk.length - at
    connection.carry = grown(connection.carry, 0, rest >= HEADER ? frameLength(chunk, at) : HEADER)
    chunk.copy(connection.carry, 0, at)
    connection.carried = rest
  }
  if (end > 0) send(socket, out.subarray(0, end))
}

function send(socket, bytes) {
  const connection = socket.data
  if (connection.unsent.length > 0) {
    // Read before the pause took effect: behind what waits.
    connection.unsent = Buffer.concat([connection.unsent, bytes])
    return
  }
  const written = Math.max(0, socket.write(bytes))
  if (written === bytes.length) return
  connection.unsent = Buffer.from(bytes.subarray(written))
  socket.pause()
}

function drain(socket) {
  const connection = socket.data
  if (connection.unsent.length === 0) return
  const written = Math.max(0, socket.write(connection.unsent))
  connection.unsent = written === connection.unsent.length ? empty : connection.unsent.subarray(written)
  if (connection.unsent.length === 0) socket.resume()
}

const server = Bun.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open(socket) {
      socket.data = new Connection()
      socket.setNoDelay(true)
    },
    data: framed ? readFrames : send,
    drain,
    close() {},
    error(socket) {
      socket.terminate()
    },
  },
})
console.log(`listening on 127.0.0.1:${server.port}`)
