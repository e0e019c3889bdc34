import { runInRootContext } from '@knotty/common'
import type { SocketAddress } from '../address.js'
import { connectTry } from '../connect-try.js'
import { uvError } from '../uv-error.js'
import type { StreamHandle } from './binding.js'
import { bindHandle, connectHandle, newSocketHandle } from './stream-handle.js'

/** What {@link attemptConnect} is told. */
export interface ConnectAttempt {
  readonly address: SocketAddress
  /** Where to connect from, if that matters; of TCP only. */
  readonly local: SocketAddress | undefined
  /** Takes over the connected handle; `done` comes next. */
  readonly adopt: (handle: StreamHandle) => void
  /** Called once and never from inside {@link attemptConnect}, unless the attempt was abandoned. */
  readonly done: (error: Error | undefined) => void
}

/** Tries to connect to one address; what it returns abandons the attempt. Throws what can be known at once; the handle is closed then. */
export function attemptConnect({ address, local, adopt, done }: ConnectAttempt): () => void {
  const handle = newSocketHandle(address)
  const attempt = connectTry(handle, adopt, done)
  try {
    if (local !== undefined) bindHandle(handle, local, false)
    connectHandle(handle, address, (status) =>
      runInRootContext(() => attempt.settle(status === 0 ? undefined : uvError(status, 'connect', address))),
    )
  } catch (error) {
    attempt.abandon()
    throw error
  }
  return attempt.abandon
}
