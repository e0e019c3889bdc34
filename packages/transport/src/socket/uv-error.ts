import { getSystemErrorMap } from 'node:util'
import { type SocketAddress, TcpSocketAddress, UnixSocketAddress } from './address.js'

const systemErrors: ReadonlyMap<number, readonly [name: string, message: string]> = new Map(getSystemErrorMap())

/** End of file, libuv's own number. */
export const UV_EOF: number = -4095

/** An error as Node makes it: errno, code, syscall and, when known, address and port. */
export interface SystemError extends Error {
  readonly errno: number
  readonly code: string
  readonly syscall: string
  readonly address?: string
  readonly port?: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** @param errno negative, as libuv returns it */
export function uvError(errno: number, syscall: string, address?: SocketAddress): SystemError {
  const [code, text] = systemErrors.get(errno) ?? [`UNKNOWN_${-errno}`, 'unknown error']
  const where = address === undefined ? '' : ` ${address.toString()}`
  const error = new Error(`${syscall} ${code}${where}: ${text}${hint(code, syscall, address)}`) as Writable<SystemError>
  error.errno = errno
  error.code = code
  error.syscall = syscall
  if (address === undefined) return error
  // As Node names them; the path is an `address` too.
  error.address = address instanceof TcpSocketAddress ? address.address : address.toString()
  if (address instanceof TcpSocketAddress) error.port = address.port
  return error
}

/**
 * {@link uvError} for a callback from native code, without a stack: it would name the callback only, and takes 2.3 of the 2.7 us of the
 * error, which a peer that resets its connections makes us pay for each (npm run bench -- accept-churn).
 */
export function uvEventError(errno: number, syscall: string, address?: SocketAddress): SystemError {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', 0) // an assignment would throw where Error is frozen
  try {
    return uvError(errno, syscall, address)
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit)
  }
}

/** What the kernel's words hide when a path is bound. */
function hint(code: string, syscall: string, address: SocketAddress | undefined): string {
  if (!(address instanceof UnixSocketAddress) || (syscall !== 'bind' && syscall !== 'listen')) return ''
  if (code === 'EADDRINUSE') return ' (a server listens there, or a file was left: remove it if nobody listens)'
  return code === 'EACCES' ? ', or its folder does not exist' : ''
}

/**
 * An error of a `node:net` socket in the form of those of libuv's own handles, with the address; any other error as it is, also one of
 * a name lookup (Node has codes of its own for those: ENOTFOUND is EAI_NONAME).
 */
export function fromNodeError(error: Error, address: SocketAddress | undefined): Error {
  const { code, syscall } = error as { code?: unknown; syscall?: unknown }
  // Not by errno: other runtimes than Node have it with the other sign.
  const errno = typeof code === 'string' ? errnoOf(code) : undefined
  if (errno === undefined || typeof syscall !== 'string' || syscall === 'getaddrinfo') return error
  return uvError(errno, syscall, address)
}

/** An error that libuv did not give, in the form of those it does. */
export function systemError(code: string, syscall: string, address: SocketAddress): SystemError {
  const errno = errnoOf(code)
  if (errno === undefined) throw new Error(`unknown error code ${code}`)
  return uvError(errno, syscall, address)
}

function errnoOf(code: string): number | undefined {
  for (const [errno, [name]] of systemErrors) if (name === code) return errno
  return undefined
}
