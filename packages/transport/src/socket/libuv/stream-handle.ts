import { IllegalArgumentError, runInRootContext } from '@knotty/common'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import { LocalSocketAddress, type SocketAddress, TcpSocketAddress, UnixSocketAddress } from '../address.js'
import {
  type ConnectRequest,
  libuvBinding,
  type PipeHandle,
  type RawAddress,
  type ShutdownRequest,
  type StreamHandle,
  type TcpHandle,
} from './binding.js'
import { uvError } from '../uv-error.js'

/** Calls on handles with every argument checked: a wrong one would abort the process (see binding.ts). */

/** False for a pipe, which has no reset, no addresses and no options. */
export function isTcp(handle: StreamHandle): handle is TcpHandle {
  return 'getsockname' in handle
}

/** A handle for connecting to such an address. It must be closed, even when nothing came of it. */
export function newSocketHandle(address: SocketAddress): StreamHandle {
  const binding = libuvBinding()
  return address instanceof UnixSocketAddress ? new binding.Pipe(binding.PIPE_SOCKET) : new binding.TCP(binding.SOCKET)
}

/** A handle for listening on such an address. It must be closed, even when nothing came of it. */
export function newListenerHandle(address: SocketAddress): StreamHandle {
  const binding = libuvBinding()
  return makeInRootContext(() =>
    address instanceof UnixSocketAddress ? new binding.Pipe(binding.PIPE_SERVER) : new binding.TCP(binding.SERVER),
  )
}

/** Accept callbacks run in the AsyncLocalStorage context in which the listening handle was made: it must be nobody's. */
function makeInRootContext(make: () => StreamHandle): StreamHandle {
  let handle: StreamHandle | undefined
  runInRootContext(() => (handle = make()))
  return handle as unknown as StreamHandle
}

/** Binds to an IP literal or a path. A port in use is found by listen or connect, not here; a path in use is. */
export function bindHandle(handle: StreamHandle, address: SocketAddress, v6Only: boolean): void {
  const status = bind(handle, address, v6Only)
  if (status !== 0) throw uvError(status, 'bind', address)
}

function bind(handle: StreamHandle, address: SocketAddress, v6Only: boolean): number {
  if (!isTcp(handle)) return (handle as PipeHandle).bind(unix(address).path)
  const { address: host, port, family } = tcp(address)
  if (family !== 6) return handle.bind(host, port, 0)
  return handle.bind6(host, port, v6Only ? libuvBinding().IPV6ONLY : 0)
}

/** @param backlog connections, at least 1 */
export function listenHandle(handle: StreamHandle, backlog: number, address: SocketAddress): void {
  const status = handle.listen(backlog)
  if (status !== 0) throw uvError(status, 'listen', address)
}

/** Starts to connect; `done` is called later with 0 or an errno, or this throws at once. */
export function connectHandle(handle: StreamHandle, address: SocketAddress, done: (status: number) => void): void {
  const status = connect(handle, address, done)
  if (status !== 0) throw uvError(status, 'connect', address)
}

function connect(handle: StreamHandle, address: SocketAddress, done: (status: number) => void): number {
  const binding = libuvBinding()
  const request: ConnectRequest = isTcp(handle) ? new binding.TCPConnectWrap() : new binding.PipeConnectWrap()
  request.oncomplete = done
  if (!isTcp(handle)) return (handle as PipeHandle).connect(request, unix(address).path)
  const { address: host, port, family } = tcp(address)
  return family === 6 ? handle.connect6(request, host, port) : handle.connect(request, host, port)
}

/** Sends FIN behind all queued writes; `done` is called later, or this throws at once. */
export function shutdownHandle(handle: StreamHandle, done: (error: Error | undefined) => void): void {
  const request: ShutdownRequest = new (libuvBinding().ShutdownWrap)()
  request.oncomplete = (status) => {
    try {
      runInRootContext(() => done(status === 0 ? undefined : uvError(status, 'shutdown')))
    } catch (error) {
      reportNativeEntryError(error)
    }
  }
  const status = handle.shutdown(request)
  if (status !== 0) throw uvError(status, 'shutdown')
}

/** What the next address is read into: native code takes 100 ns longer to add the properties to a new object. */
const raw: RawAddress = { address: '', family: '', port: 0 }

/** The local address of an open TCP handle; undefined when it has none. */
export function localAddressOf(handle: StreamHandle): TcpSocketAddress | undefined {
  return isTcp(handle) && handle.getsockname(raw) === 0 ? new TcpSocketAddress(raw.address, raw.port) : undefined
}

/** The peer's address; undefined when it is gone already, and of a Unix domain socket. */
export function remoteAddressOf(handle: StreamHandle): TcpSocketAddress | undefined {
  return isTcp(handle) && handle.getpeername(raw) === 0 ? new TcpSocketAddress(raw.address, raw.port) : undefined
}

function tcp(address: SocketAddress): TcpSocketAddress {
  if (address instanceof TcpSocketAddress && !address.isUnresolved) return address
  throw new IllegalArgumentError(`address: ${address.toString()} (expected: an IP address, not a ${kindOf(address)})`)
}

function unix(address: SocketAddress): UnixSocketAddress {
  if (address instanceof UnixSocketAddress) return address
  throw new IllegalArgumentError(`address: ${address.toString()} (expected: the path of a Unix domain socket, not a ${kindOf(address)})`)
}

function kindOf(address: SocketAddress): string {
  if (address instanceof UnixSocketAddress) return 'path'
  if (address instanceof LocalSocketAddress) return 'place within the process'
  return address.isUnresolved ? 'host name' : 'TCP address'
}
