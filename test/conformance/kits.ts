import assert from 'node:assert/strict'
import { Bootstrap, LocalChannel, LocalServerChannel, ServerBootstrap } from '@knotty/transport'
import { TCP_KITS, UNIX_KITS } from './socket-kits.js'
import type { TransportKit } from './transport-kit.js'

let localIds = 0

/** Channels of one process: no socket, no kernel buffer. */
const localKit: TransportKit = {
  name: 'local',
  stallBytes: 1 << 20,
  serverBootstrap: (group) => new ServerBootstrap().group(group).channel(() => new LocalServerChannel()),
  bootstrap: (group) => new Bootstrap().group(group).channel(() => new LocalChannel()),
  bindAddress: () => ({ localId: `conformance-${++localIds}` }),
  addressOf: (server) => server.localAddress ?? assert.fail('the server is not bound'),
  refusedAddress: () => Promise.resolve({ localId: `nobody-${++localIds}` }),
  silentAddress: () => undefined,
  inode: () => 'none',
  cleanUp: () => undefined,
}

/** The columns of the table, in parts: the runner gives a file 120 seconds, and files run side by side. */
export { TCP_KITS, UNIX_KITS }
export const LOCAL_KITS: readonly TransportKit[] = [localKit]
