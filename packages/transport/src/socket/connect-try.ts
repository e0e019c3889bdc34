import { toError } from '@knotty/common'
import { reportNativeEntryError } from '../eventloop/default-event-loop.js'
import type { RawSocket } from './accepted-socket-guard.js'

/** One try to connect. It ends once: with the socket adopted, with an error, or abandoned; without the first its socket is closed. */
export interface ConnectTry {
  /** Connected, or not. Nothing when the try was abandoned before. */
  settle(error: Error | undefined): void
  abandon(): void
}

/**
 * @param adopt takes over the connected socket; a throw fails the try
 * @param done called once, unless the try is abandoned
 */
export function connectTry<S extends RawSocket>(
  socket: S,
  adopt: (socket: S) => void,
  done: (error: Error | undefined) => void,
): ConnectTry {
  let over = false
  return {
    settle(error) {
      if (over) return
      over = true
      let failure = error
      try {
        if (failure === undefined) adopt(socket)
      } catch (thrown) {
        failure = toError(thrown)
      }
      if (failure !== undefined) socket.close()
      try {
        done(failure)
      } catch (thrown) {
        reportNativeEntryError(thrown)
      }
    },
    abandon() {
      if (over) return
      over = true
      socket.close()
    },
  }
}
