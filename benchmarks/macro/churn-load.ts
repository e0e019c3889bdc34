// Opens and ends connections as fast as the server takes them: node churn-load.js PORT closing|answering CONCURRENCY SECONDS SERVER_PID.
// closing: waits for the server's end of the connection; answering: sends one byte, waits for it, and resets the connection.
// Prints { connectionsPerSecond, loadCpu, serverCpu } as JSON. As the echo load it lives on the handles below Knotty's channels.
//
// No connection waits for another one's FIN, and no port stays taken: the client ends with a reset, which the kernel forgets at once.
import process from 'node:process'
import { EventLoopGroup, TcpSocketAddress } from '@knotty/transport'
import {
  type ConnectRequest,
  libuvBinding,
  type StreamHandle,
  type TcpHandle,
  type WriteRequest,
} from '../../../packages/transport/dist/socket/libuv/binding.js'
import { LibuvIo } from '../../../packages/transport/dist/socket/libuv/libuv-io.js'
import { newSocketHandle } from '../../../packages/transport/dist/socket/libuv/stream-handle.js'
import { cpuSecondsOf } from './load/cpu-seconds.js'

const MAX_WARM_UP_MS = 500
const ONE_BYTE = Buffer.from('x')

const [port, mode, concurrency, seconds, serverPid] = process.argv.slice(2) as [string, string, string, string, string]
const address = new TcpSocketAddress('127.0.0.1', Number(port))
const binding = libuvBinding()
const io = LibuvIo.of(new EventLoopGroup().next())
let ended = 0

function open(): void {
  const handle = newSocketHandle(address) as TcpHandle
  handle.onread = onread
  const request: ConnectRequest = new binding.TCPConnectWrap()
  request.oncomplete = (status) => {
    if (status !== 0) fail('connect', status)
    handle.useUserBuffer(io.readSlab)
    handle.readStart()
    if (mode === 'answering') send(handle)
  }
  const status = handle.connect(request, address.address, address.port)
  if (status !== 0) fail('connect', status)
}

function send(handle: StreamHandle): void {
  const request = io.takeRequest(oncomplete)
  const status = handle.writeBuffer(request, ONE_BYTE)
  if (status !== 0) fail('write', status)
  if (binding.state[binding.lastWriteWasAsync] === 0) io.returnRequest(request)
}

/** The byte, or the server's end of the connection. */
function onread(this: StreamHandle): undefined {
  if (binding.state[binding.readBytesOrError] === 0) return undefined
  ended++
  ;(this as TcpHandle).reset()
  open()
  return undefined
}

function oncomplete(this: WriteRequest): void {
  io.retireRequest(this)
}

function fail(what: string, status: number): never {
  console.error(`${what}: libuv error ${status}`)
  process.exit(1)
}

for (let index = 0; index < Number(concurrency); index++) open()
setTimeout(() => {
  ended = 0
  const start = performance.now()
  const cpu = process.cpuUsage()
  const serverBefore = cpuSecondsOf(Number(serverPid))
  setTimeout(() => {
    const elapsedSeconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const serverAfter = cpuSecondsOf(Number(serverPid))
    const server = serverBefore === undefined || serverAfter === undefined ? {} : { serverCpu: (serverAfter - serverBefore) / elapsedSeconds }
    console.log(JSON.stringify({ connectionsPerSecond: ended / elapsedSeconds, loadCpu: (user + system) / 1e6 / elapsedSeconds, ...server }))
    process.exit(0)
  }, Number(seconds) * 1000)
}, Math.min(MAX_WARM_UP_MS, Number(seconds) * 1000))
