import path from 'node:path'

/** benchmarks/: what is compiled from here lies two folders deeper. */
export const BENCHMARKS = path.resolve(import.meta.dirname, '../..')
/** benchmarks/peers: sources of the servers, and what npm has installed for them. */
export const PEERS = path.join(BENCHMARKS, 'peers')
