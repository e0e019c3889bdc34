import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { endPrograms, startProgram } from '../../../benchmarks/dist/harness/processes.js'
import type { EchoProtocol } from '../../../benchmarks/dist/peers/echo-protocol.js'
import { availablePeers, knottyServers, type Peer, PEER } from '../../../benchmarks/dist/peers/peers.js'

/** A server that loses bytes leaves its client waiting. */
const PEER_LIMITS = { timeout: 20_000 }
const PEERS_ARE_FOR_NODE = process.versions['bun'] === undefined ? false : 'the peers are started by Node'
/** More than the kernel keeps for a reader that has read nothing yet. */
const LATE_READ_BYTES = 16 << 20

function frame(bytes: number): Buffer {
  const made = Buffer.alloc(4 + bytes, 'frame')
  made.writeUInt32BE(bytes)
  return made
}

/** Collects what a connection brings, and tells when that is enough. */
class Client {
  readonly socket: Socket
  private chunks: Buffer[] = []
  private received = 0

  private constructor(socket: Socket) {
    this.socket = socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk)
      this.received += chunk.length
      socket.emit('more')
    })
  }

  static async connect(port: number): Promise<Client> {
    const client = new Client(connect({ port, host: '127.0.0.1', noDelay: true }))
    await once(client.socket, 'connect')
    return client
  }

  async expect(bytes: Buffer): Promise<void> {
    while (this.received < bytes.length) await once(this.socket, 'more')
    this.chunks = [Buffer.concat(this.chunks)]
    assert.ok(this.chunks[0]!.equals(bytes), 'what came back is not what was sent')
  }
}

/** A connection for each place at which these frames can be cut; on all of them the first part comes alone. */
async function checkEveryCut(port: number, protocol: EchoProtocol): Promise<void> {
  const frames = [0, 1, 9, 20].map(frame)
  const bytes = Buffer.concat(frames)
  const clients = await Promise.all(Array.from({ length: bytes.length - 1 }, () => Client.connect(port)))
  const partOf = (index: number): Buffer => bytes.subarray(0, index + 1)
  for (const [index, { socket }] of clients.entries()) socket.write(partOf(index))
  for (const [index, client] of clients.entries()) {
    await client.expect(protocol === 'raw' ? partOf(index) : bytes.subarray(0, completeBytes(frames, index + 1)))
  }
  await checkRoundTrip(port) // behind it the server has read all first parts
  for (const [index, { socket }] of clients.entries()) socket.write(bytes.subarray(index + 1))
  for (const client of clients) {
    await client.expect(bytes)
    client.socket.destroy()
  }
}

/** Bytes of the frames that lie in the first `length` bytes as a whole. */
function completeBytes(frames: readonly Buffer[], length: number): number {
  let end = 0
  for (const each of frames) {
    if (end + each.length > length) break
    end += each.length
  }
  return end
}

async function checkRoundTrip(port: number): Promise<void> {
  const client = await Client.connect(port)
  client.socket.write(frame(3))
  await client.expect(frame(3))
  client.socket.destroy()
}

/** Read only after a while: the server has read what it takes, and cannot write all of it. */
async function checkLateReader(port: number): Promise<void> {
  const bytes = Buffer.concat(Array.from({ length: 40 }, (_, index) => frame(Math.floor(LATE_READ_BYTES / 40) + index)))
  const client = await Client.connect(port)
  client.socket.pause()
  const flushed = new Promise((resolve) => client.socket.write(bytes, resolve))
  await checkRoundTrip(port)
  client.socket.resume()
  await Promise.all([flushed, client.expect(bytes)])
  client.socket.destroy()
}

async function check({ name, command }: Peer, protocol: EchoProtocol): Promise<void> {
  const server = startProgram(command, { name })
  try {
    const [, port] = /^listening on 127\.0\.0\.1:(\d+)$/.exec(await server.nextLine()) ?? []
    await checkEveryCut(Number(port), protocol)
    await checkLateReader(Number(port))
  } finally {
    await server.stop()
  }
}

describe('the echo servers that bench:peers compares', { skip: PEERS_ARE_FOR_NODE }, () => {
  after(endPrograms)

  for (const protocol of ['framed', 'raw'] as const) {
    test(`bring everything back, cut at every byte and read late: ${protocol}`, async (context) => {
      const { peers, skipped } = await availablePeers({ protocol })
      for (const peer of [...knottyServers({ protocol }), ...peers]) await context.test(peer.name, PEER_LIMITS, () => check(peer, protocol))
      for (const { name, why } of skipped) await context.test(name, { skip: why }, () => undefined)
    })
  }

  test('are all there or skipped by name', async () => {
    const { peers, skipped } = await availablePeers()
    assert.deepEqual([...peers, ...skipped].map(({ name }) => name).sort(), Object.values(PEER).sort())
    for (const { why } of skipped) assert.match(why, /\w/)
  })
})
