import { runInRootContext, toError } from '@knotty/common'
import { reportNativeEntryError } from '../../eventloop/default-event-loop.js'
import type { SocketAddress } from '../address.js'
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
  let over = false
  const abandon = (): void => {
    if (over) return
    over = true
    handle.close()
  }
  const settle = (status: number): void => {
    if (over) return
    over = true
    let failure: Error | undefined
    try {
      if (status !== 0) throw uvError(status, 'connect', address)
      adopt(handle)
    } catch (error) {
      failure = toError(error)
      handle.close()
    }
    try {
      done(failure)
    } catch (error) {
      reportNativeEntryError(error)
    }
  }
  try {
    if (local !== undefined) bindHandle(handle, local, false)
    connectHandle(handle, address, (status) => runInRootContext(() => settle(status)))
  } catch (error) {
    abandon()
    throw error
  }
  return abandon
}
