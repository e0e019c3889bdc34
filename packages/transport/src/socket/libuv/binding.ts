import process from 'node:process'
import { UnsupportedOperationError } from '@knotty/common'

/**
 * A stream handle of Node, TCP or pipe (a Unix domain socket), as far as Knotty drives it. A wrong argument aborts the process: only
 * this folder calls it.
 */
export interface StreamHandle {
  /** Called for each chunk, EOF (-4095) or error; must return undefined. */
  onread: (this: StreamHandle) => undefined
  onconnection: (this: StreamHandle, status: number, client: StreamHandle | undefined) => void
  /** Ours: the channel the shared callbacks find. */
  owner: unknown
  readonly fd: number
  readonly writeQueueSize: number
  readStart(): number
  readStop(): number
  useUserBuffer(bytes: Uint8Array): number
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
  writev(request: WriteRequest, chunks: readonly Uint8Array[], allBuffers: true): number
  shutdown(request: ShutdownRequest): number
  close(callback?: () => void): void
  listen(backlog: number): number
}

/** A handle for TCP. */
export interface TcpHandle extends StreamHandle {
  reset(callback?: () => void): number
  getsockname(out: RawAddress): number
  getpeername(out: RawAddress): number
  setNoDelay(enable: boolean): number
  setKeepAlive(enable: boolean, initialDelaySeconds: number): number
  bind(address: string, port: number, flags: number): number
  bind6(address: string, port: number, flags: number): number
  connect(request: ConnectRequest, address: string, port: number): number
  connect6(request: ConnectRequest, address: string, port: number): number
}

/** A handle for Unix domain sockets. It has no reset, no addresses and no options. */
export interface PipeHandle extends StreamHandle {
  bind(path: string): number
  connect(request: ConnectRequest, path: string): number
}

/** What getsockname and getpeername fill in. */
export interface RawAddress {
  address: string
  port: number
  family: string
}

/** One write under way. Native code holds it, so what it points to stays alive. */
export interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void
  /** Roots the memory being written. */
  buffer: unknown
  owner: unknown
}

export interface ConnectRequest {
  oncomplete: (this: ConnectRequest, status: number) => void
}

export interface ShutdownRequest {
  oncomplete: (this: ShutdownRequest, status: number) => void
}

/** Node's classes for TCP and pipes and the array in which its stream calls report. */
export interface LibuvBinding {
  readonly TCP: new (type: number) => TcpHandle
  readonly SOCKET: number
  readonly SERVER: number
  readonly IPV6ONLY: number
  readonly TCPConnectWrap: new () => ConnectRequest
  readonly Pipe: new (type: number) => PipeHandle
  readonly PIPE_SOCKET: number
  readonly PIPE_SERVER: number
  readonly PipeConnectWrap: new () => ConnectRequest
  readonly WriteWrap: new () => WriteRequest
  readonly ShutdownWrap: new () => ShutdownRequest
  /** Results of the last call or callback; one array a thread. Never written to. */
  readonly state: Int32Array
  readonly readBytesOrError: number
  readonly lastWriteWasAsync: number
}

/** The lines of Node whose handles were tested; another one could abort the process instead of failing. */
const TESTED_MAJORS: ReadonlySet<number> = new Set([20, 22, 24, 26])

let loaded: LibuvBinding | undefined

/** Node's TCP classes. An {@link UnsupportedOperationError} that says why, where they cannot be used. */
export function libuvBinding(): LibuvBinding {
  loaded ??= load()
  return loaded
}

function load(): LibuvBinding {
  const major = Number(process.versions.node.split('.')[0])
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) throw unsupported('the runtime is not Node.js')
  if (process.env['KNOTTY_TRANSPORT'] !== 'libuv') {
    const own = 'KNOTTY_TRANSPORT=libuv tries it all the same'
    if (process.platform !== 'linux') throw unsupported(`the platform is ${process.platform}; tested is linux; ${own}`)
    if (!TESTED_MAJORS.has(major)) {
      throw unsupported(`Node.js is ${process.version}; tested are ${[...TESTED_MAJORS].join(', ')}; ${own}`)
    }
  }
  try {
    const tcp = internalBinding('tcp_wrap') as unknown as {
      TCP: LibuvBinding['TCP']
      TCPConnectWrap: LibuvBinding['TCPConnectWrap']
      constants: { SOCKET: number; SERVER: number; UV_TCP_IPV6ONLY: number }
    }
    const pipe = internalBinding('pipe_wrap') as unknown as {
      Pipe: LibuvBinding['Pipe']
      PipeConnectWrap: LibuvBinding['PipeConnectWrap']
      constants: { SOCKET: number; SERVER: number }
    }
    const stream = internalBinding('stream_wrap') as unknown as {
      WriteWrap: LibuvBinding['WriteWrap']
      ShutdownWrap: LibuvBinding['ShutdownWrap']
      streamBaseState: Int32Array
      kReadBytesOrError: number
      kLastWriteWasAsync: number
    }
    return {
      TCP: tcp.TCP,
      SOCKET: tcp.constants.SOCKET,
      SERVER: tcp.constants.SERVER,
      IPV6ONLY: tcp.constants.UV_TCP_IPV6ONLY,
      TCPConnectWrap: tcp.TCPConnectWrap,
      Pipe: pipe.Pipe,
      PIPE_SOCKET: pipe.constants.SOCKET,
      PIPE_SERVER: pipe.constants.SERVER,
      PipeConnectWrap: pipe.PipeConnectWrap,
      WriteWrap: stream.WriteWrap,
      ShutdownWrap: stream.ShutdownWrap,
      state: stream.streamBaseState,
      readBytesOrError: stream.kReadBytesOrError,
      lastWriteWasAsync: stream.kLastWriteWasAsync,
    }
  } catch (cause) {
    throw unsupported('the process may not use process.binding (is it run with --permission?)', cause)
  }
}

/** `process.binding` without its deprecation warning (DEP0111), which would come on the next tick. */
function internalBinding(name: string): object {
  const warn = Object.getOwnPropertyDescriptor(process, 'noDeprecation')
  Object.defineProperty(process, 'noDeprecation', { value: true, configurable: true, writable: true, enumerable: true })
  try {
    return (process as unknown as { binding(name: string): object }).binding(name)
  } finally {
    if (warn === undefined) delete (process as { noDeprecation?: boolean }).noDeprecation
    else Object.defineProperty(process, 'noDeprecation', warn)
  }
}

function unsupported(why: string, cause?: unknown): UnsupportedOperationError {
  return new UnsupportedOperationError(
    `the libuv transport cannot be used here: ${why}`,
    cause === undefined ? undefined : { cause },
    'ERR_KNOTTY_TRANSPORT_UNAVAILABLE',
  )
}
