/** What a peer or the network does to a connection any day: counted, told in one line, never a stack. */
const PEER_CONDITIONS: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT'])

/** True for ECONNRESET, EPIPE, ECONNABORTED and ETIMEDOUT. */
export function isPeerCondition(error: Error): boolean {
  return PEER_CONDITIONS.has((error as { code?: unknown }).code)
}
