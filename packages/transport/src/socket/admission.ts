import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { descriptorLimit } from './descriptor-limit.js'

/** Why a connection is refused. Texts of the refused event: stable, for metrics' labels. */
export const REFUSED_BY_HEADROOM = 'too few descriptors are free'
export const REFUSED_BY_MAX_CONNECTIONS = 'the server has as many connections as it may'
export const REFUSED_BY_DEREGISTRATION = 'the server is not registered to an event loop'
export const REFUSED_BY_AUTO_READ = 'the server does not accept now (AUTO_READ is off)'

/**
 * True when a connection took one of the last `headroom` descriptors that this process may have. The kernel hands out the lowest
 * free number, so a socket's own number says how many are taken at least, by whomever: `fd >= limit - headroom`. (More are taken when
 * descriptors below were freed that had been open before those above: then the headroom is smaller until they are closed.)
 *
 * @param fd of the accepted socket; undefined when it cannot be known, then the number of the next descriptor tells
 */
export function exceedsHeadroom(fd: number | undefined, headroom: number): boolean {
  if (headroom === 0) return false
  const limit = descriptorLimit()
  if (limit === Number.POSITIVE_INFINITY) return false
  return (fd ?? nextDescriptor() - 1) >= limit - headroom
}

/** The number the next descriptor gets; Infinity when there is none left. Costs two system calls. */
function nextDescriptor(): number {
  try {
    const fd = openSync(devNull, 'r')
    closeSync(fd)
    return fd
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
