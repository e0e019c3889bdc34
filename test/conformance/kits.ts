import { LOCAL } from '../support/transports.js'
import { TCP_KITS, UNIX_KITS } from './socket-kits.js'
import type { TransportKit } from './transport-kit.js'

let localIds = 0

/** Channels of one process: no socket, no kernel buffer. */
const localKit: TransportKit = {
  transport: LOCAL,
  stallBytes: 1 << 20,
  bindAddress: () => ({ localId: `conformance-${++localIds}` }),
  refusedAddress: () => Promise.resolve({ localId: `nobody-${++localIds}` }),
  silentAddress: () => undefined,
  inode: () => 'none',
  cleanUp: () => undefined,
}

/** The columns of the table, in parts: the runner gives a file 120 seconds, and files run side by side. */
export { TCP_KITS, UNIX_KITS }
export const LOCAL_KITS: readonly TransportKit[] = [localKit]
