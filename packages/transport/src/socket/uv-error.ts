import { getSystemErrorMap } from 'node:util'
import type { SocketAddress } from './address.js'

const systemErrors: ReadonlyMap<number, readonly [name: string, message: string]> = new Map(getSystemErrorMap())

/** End of file, libuv's own number. */
export const UV_EOF: number = -4095

/** An error as Node makes it: errno, code, syscall and, when known, address and port. */
export interface SystemError extends Error {
  readonly errno: number
  readonly code: string
  readonly syscall: string
  readonly address?: string
}

/** @param errno negative, as libuv returns it */
export function uvError(errno: number, syscall: string, address?: SocketAddress): SystemError {
  const [code, text] = systemErrors.get(errno) ?? [`UNKNOWN_${-errno}`, 'unknown error']
  const where = address === undefined ? '' : ` ${address.toString()}`
  const error = new Error(`${syscall} ${code}${where}: ${text}`)
  return Object.assign(error, { errno, code, syscall, ...(address === undefined ? {} : { address: address.toString() }) })
}

/**
 * An error of a `node:net` socket in the form of those of libuv's own handles, with the address; any other error as it is, also one of
 * a name lookup (Node has codes of its own for those: ENOTFOUND is EAI_NONAME).
 */
export function fromNodeError(error: Error, address: SocketAddress | undefined): Error {
  const { errno, syscall } = error as { errno?: unknown; syscall?: unknown }
  const known = typeof errno === 'number' && typeof syscall === 'string' && syscall !== 'getaddrinfo'
  return known ? uvError(errno, syscall, address) : error
}

/** An error that libuv did not give, in the form of those it does. */
export function systemError(code: string, syscall: string, address: SocketAddress): SystemError {
  for (const [errno, [name]] of systemErrors) if (name === code) return uvError(errno, syscall, address)
  throw new Error(`unknown error code ${code}`)
}
