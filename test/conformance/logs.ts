/** Lines by side: `server`, `client`. A side without lines is left out. */
export type SideLogs = Readonly<Record<string, readonly string[]>>

/**
 * What a scenario must give in every cell: inbound events, outcomes of writes and other operations, and the steps of closing, each
 * in its own order.
 */
export interface Logs {
  readonly inbound: SideLogs
  readonly promises: SideLogs
  readonly closing: SideLogs
}

/** The inbound events of a channel that got active and ended, with what came in between. */
export function life(...events: readonly string[]): readonly string[] {
  return ['registered', 'active', ...events, 'inactive', 'unregistered']
}

/** The steps of a channel that was closed by its own close(). */
export const CLOSED_HERE: readonly string[] = ['closeFuture', 'close ok', 'inactive', 'unregistered', 'removed']
/** The steps of a channel whose peer, or transport, closed it. */
export const CLOSED_THERE: readonly string[] = ['closeFuture', 'inactive', 'unregistered', 'removed']

/** How an error is called in a log: by its errno, or by its class. */
export function errorName(error: Error): string {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : error.constructor.name
}
