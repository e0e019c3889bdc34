// A length-framed echo server (4-byte big-endian length, then the message) written by hand on the libuv handle, and three on node:net.
//
//   naive    node:net, one socket.write for the header and one for the message
//   cork     the same between cork() and uncork(), once a chunk
//   onebuf   node:net, the replies of a chunk copied into one buffer and written once
//   handle   one 64 KiB read slab for all connections; the replies of a chunk are gathered, frame by frame, into an outbound
//            slab and leave as one write. A synchronous write gives its range back at once, an asynchronous one keeps it
//            until its completion; a new slab is taken only when the old one is used up. Reading pauses meanwhile.
//
// All set TCP_NODELAY. Complete frames lie side by side in a chunk, so an echo could copy them all at once; this one copies
// frame by frame, as a server must that makes its replies.
//
// Run:   node benchmarks/prototype/slab-echo.mjs      frames of random sizes, cut at random places and read back late, come back
//                                                     byte for byte from each server
//        node benchmarks/prototype/slab-echo.mjs --serve handle|naive|cork|onebuf [--port N] [--slab BYTES]
//        npm run bench -- framed-echo                 measures them beside Knotty

import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import net from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const HEADER = 4
const MAX_FRAME = 1 << 24
const COPY_LOOP_LIMIT = 96 // byte-buf.mjs: below, a loop beats Buffer.copy

/** The bindings of the TCP handle; Node's deprecation notice for process.binding is kept out of the way. */
function bindings() {
  const before = Object.getOwnPropertyDescriptor(process, 'noDeprecation')
  process.noDeprecation = true
  try {
    return { ...process.binding('tcp_wrap'), stream: process.binding('stream_wrap') }
  } finally {
    if (before === undefined) delete process.noDeprecation
    else Object.defineProperty(process, 'noDeprecation', before)
  }
}

/** Grows `carry` to `length` bytes, keeping the first `used`. */
function grown(carry, used, length) {
  if (carry.length >= length) return carry
  const larger = Buffer.allocUnsafeSlow(length)
  carry.copy(larger, 0, 0, used)
  return larger
}

function frameLength(bytes, at) {
  const length = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) + HEADER
  if (length < HEADER || length > MAX_FRAME) throw new RangeError(`frame of ${length} bytes`)
  return length
}

/** Outbound memory: ranges are handed out upwards; when the last outstanding one is back, it starts again at 0. */
class OutboundSlab {
  constructor(size) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.position = 0
    this.outstanding = 0
  }
}

class Connection {
  constructor(server, handle) {
    this.server = server
    this.handle = handle
    this.closed = false
    this.inFlight = 0
    this.carry = Buffer.alloc(0)
    this.carried = 0
  }

  /** `length` new bytes are in the read slab, which is ours until this returns. */
  read(length) {
    const server = this.server
    const slab = server.readSlab
    let at = this.carried === 0 ? 0 : this.completeCarry(slab, length)
    while (length - at >= HEADER) {
      const frame = frameLength(slab, at)
      if (frame > length - at) break
      server.gather(this, slab, at, frame)
      at += frame
    }
    if (at < length) {
      const rest = length - at
      this.carry = grown(this.carry, 0, rest >= HEADER ? frameLength(slab, at) : HEADER)
      slab.copy(this.carry, 0, at, length)
      this.carried = rest
    }
    server.flush(this)
    if (this.inFlight > 0 && !this.closed) this.handle.readStop()
  }

  /** Completes the partial frame of earlier chunks as far as these bytes go; returns how many it took. */
  completeCarry(slab, length) {
    let at = 0
    while (this.carried < HEADER && at < length) this.carry[this.carried++] = slab[at++]
    if (this.carried < HEADER) return at
    const frame = frameLength(this.carry, 0)
    this.carry = grown(this.carry, this.carried, frame)
    const taken = Math.min(frame - this.carried, length - at)
    slab.copy(this.carry, this.carried, at, at + taken)
    this.carried += taken
    if (this.carried === frame) {
      this.server.gather(this, this.carry, 0, frame)
      this.carried = 0
    }
    return at + taken
  }

  close() {
    if (this.closed) return
    this.closed = true
    this.handle.close()
  }
}

/** The echo server on the handle. `stats`: writes, of these asynchronous, outbound slabs taken. */
export class HandleEchoServer {
  constructor({ slabBytes = 65_536 } = {}) {
    const binding = bindings()
    const { streamBaseState: state, kReadBytesOrError, kLastWriteWasAsync, WriteWrap } = binding.stream
    Object.assign(this, { binding, state, kLastWriteWasAsync, WriteWrap, slabBytes })
    this.stats = { writes: 0, asyncWrites: 0, slabs: 0 }
    this.readSlab = Buffer.allocUnsafeSlow(slabBytes)
    this.freeSlabs = []
    this.slab = this.newSlab(slabBytes)
    this.end = 0 // of what was gathered; it begins at slab.position
    this.requests = []
    this.cooling = undefined // a completed request may be used again one callback later
    const server = this
    this.onread = function () {
      const result = state[kReadBytesOrError]
      const connection = this.connection
      if (result === 0 || connection.closed) return
      try {
        if (result > 0) connection.read(result)
        else connection.close()
      } catch (error) {
        server.end = server.slab.position
        connection.close()
        console.error(error)
      }
    }
    this.oncomplete = function (status) {
      server.complete(this, status)
    }
  }

  listen(port = 0) {
    const { TCP, constants } = this.binding
    this.listener = new TCP(constants.SERVER)
    const error = this.listener.bind('127.0.0.1', port, 0) || this.listener.listen(1024)
    if (error) throw new Error(`listen: ${error}`)
    this.listener.onconnection = (status, handle) => {
      if (status !== 0 || handle === undefined) return
      const connection = new Connection(this, handle)
      handle.connection = connection
      handle.onread = this.onread
      handle.setNoDelay(true)
      if (handle.useUserBuffer(this.readSlab) || handle.readStart()) connection.close()
    }
    const address = {}
    this.listener.getsockname(address)
    return address.port
  }

  newSlab(size) {
    this.stats.slabs += 1
    return new OutboundSlab(size)
  }

  /** Appends one framed reply to what goes out with the next flush. */
  gather(connection, source, from, length) {
    if (length > this.slab.bytes.length - this.end) this.makeRoom(connection, length)
    const target = this.slab.bytes
    const to = this.end
    if (length <= COPY_LOOP_LIMIT) for (let i = 0; i < length; i++) target[to + i] = source[from + i]
    else source.copy(target, to, from, from + length)
    this.end = to + length
  }

  makeRoom(connection, length) {
    this.flush(connection)
    if (length <= this.slab.bytes.length - this.slab.position) return
    const old = this.slab // lives on in its requests until the last of them is complete
    this.slab = (length <= this.slabBytes && this.freeSlabs.pop()) || this.newSlab(Math.max(length, this.slabBytes))
    if (old.outstanding === 0) this.recycle(old)
    this.end = 0
  }

  recycle(slab) {
    if (slab.bytes.length === this.slabBytes && this.freeSlabs.length < 4) this.freeSlabs.push(slab)
  }

  flush(connection) {
    const slab = this.slab
    const start = slab.position
    const end = this.end
    if (end === start) return
    this.end = start
    if (connection.closed) return
    const request = this.requests.pop() ?? this.newRequest()
    const error = connection.handle.writeBuffer(request, slab.bytes.subarray(start, end))
    this.stats.writes += 1
    if (error !== 0 || this.state[this.kLastWriteWasAsync] === 0) {
      this.requests.push(request)
      if (error !== 0) connection.close()
      return
    }
    this.stats.asyncWrites += 1
    request.connection = connection
    request.slab = slab // native code keeps no reference to the memory: this one does
    connection.inFlight += 1
    slab.outstanding += 1
    slab.position = this.end = end
  }

  newRequest() {
    const request = new this.WriteWrap()
    request.connection = undefined
    request.slab = undefined
    request.oncomplete = this.oncomplete
    return request
  }

  complete(request, status) {
    const { connection, slab } = request
    request.connection = request.slab = undefined
    if (this.cooling !== undefined) this.requests.push(this.cooling)
    this.cooling = request
    if (--slab.outstanding === 0) {
      slab.position = 0
      if (slab === this.slab) this.end = 0
      else this.recycle(slab)
    }
    connection.inFlight -= 1
    if (status !== 0) connection.close()
    else if (connection.inFlight === 0 && !connection.closed && connection.handle.readStart() !== 0) connection.close()
  }
}

/** Replies of one chunk, the node:net ways; each takes the frames [at, length] of `bytes`. */
const writers = {
  naive(socket, bytes, frames) {
    for (const [at, length] of frames) {
      const header = Buffer.allocUnsafe(HEADER)
      header.writeInt32BE(length - HEADER)
      socket.write(header)
      socket.write(bytes.subarray(at + HEADER, at + length))
    }
  },
  cork(socket, bytes, frames) {
    socket.cork()
    writers.naive(socket, bytes, frames)
    socket.uncork()
  },
  onebuf(socket, bytes, frames) {
    const out = Buffer.allocUnsafe(frames.reduce((sum, frame) => sum + frame[1], 0))
    let to = 0
    for (const [at, length] of frames) {
      out.writeInt32BE(length - HEADER, to)
      bytes.copy(out, to + HEADER, at + HEADER, at + length)
      to += length
    }
    if (to > 0) socket.write(out)
  },
}

export function createNetEchoServer(kind) {
  return net.createServer({ noDelay: true }, (socket) => {
    let carry
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      const bytes = carry === undefined ? chunk : Buffer.concat([carry, chunk])
      const frames = []
      let at = 0
      while (bytes.length - at >= HEADER) {
        const length = frameLength(bytes, at)
        if (length > bytes.length - at) break
        frames.push([at, length])
        at += length
      }
      carry = at < bytes.length ? bytes.subarray(at) : undefined
      writers[kind](socket, bytes, frames)
    })
  })
}

/** Starts a server of `kind` on the loopback; resolves to { port, stats } (stats of `handle` only). */
export async function serve(kind, { port = 0, slabBytes } = {}) {
  if (kind === 'handle') {
    const server = new HandleEchoServer({ slabBytes })
    return { port: server.listen(port), stats: server.stats }
  }
  if (writers[kind] === undefined) throw new Error(`unknown server: ${kind}`)
  const server = createNetEchoServer(kind).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { port: server.address().port, stats: {} }
}

/** Throws unless frames of random sizes, cut at random places, come back unchanged, also to a client that reads late. */
export async function verifyEcho(port, seed = 1) {
  let state = seed
  const random = (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const frames = Array.from({ length: 1500 }, () => {
    const frame = Buffer.allocUnsafe(HEADER + random([8, 100, 100, 5000, 5000, 150_000][random(6)]))
    for (let i = 0; i < frame.length; i++) frame[i] = random(256)
    frame.writeInt32BE(frame.length - HEADER)
    return frame
  })
  const sent = Buffer.concat(frames)
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  const chunks = []
  let received = 0
  socket.on('data', (chunk) => { chunks.push(chunk); received += chunk.length })
  await once(socket, 'connect')
  for (let at = 0, cuts = 0; at < sent.length; cuts++) {
    const end = at + 1 + random([3, 200, 5000, 200_000][random(4)])
    socket.write(sent.subarray(at, end))
    at = end
    if (cuts === 40) socket.pause()
    if (cuts === 600) socket.resume()
    if (random(3) === 0) await sleep(random(2))
  }
  socket.resume()
  for (const deadline = Date.now() + 10_000; received < sent.length && Date.now() < deadline;) await sleep(5)
  socket.destroy()
  if (!Buffer.concat(chunks).equals(sent)) throw new Error(`echo differs: ${received} of ${sent.length} bytes came back`)
  return sent.length
}

/** Each server echoes to four clients at once; prints what it did. */
async function verifyAll() {
  for (const kind of ['naive', 'cork', 'onebuf', 'handle']) {
    const { port, stats } = await serve(kind)
    const bytes = await Promise.all([1, 2, 3, 4].map((seed) => verifyEcho(port, seed)))
    console.log(`${kind}: ${bytes.reduce((a, b) => a + b)} bytes came back unchanged`, stats)
  }
  process.exit(0)
}

async function main(args) {
  const option = (name, otherwise) => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise)
  if (args[0] !== '--serve') return verifyAll()
  const { port, stats } = await serve(args[1], { port: option('--port', 0), slabBytes: option('--slab', 65_536) })
  console.log(`listening on 127.0.0.1:${port}`)
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.stdout.write(`${JSON.stringify(stats)}\n`, () => process.exit(0)))
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2))
