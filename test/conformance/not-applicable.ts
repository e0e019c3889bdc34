import type { TestTransportName } from '../support/transports.js'
import type { Mode } from './cell.js'

/** A cell, or with `*` a whole column, that is not run. */
export interface NotApplicableCell {
  readonly scenario: string
  readonly transport: TestTransportName
  /** Both without it. */
  readonly mode?: Mode
  readonly why: string
}

const NO_SLOW_CONNECT = 'its connect is over at once and looks up no name: none can be kept under way'

const SLOW_CONNECTS = ['connect-timeout', 'connect-cancelled-late', 'connect-closed']

/** All cells that are not run. A cell that skips without being here fails, and so does one that is here and runs. */
export const NOT_APPLICABLE: readonly NotApplicableCell[] = SLOW_CONNECTS.flatMap((scenario) =>
  (['unix-libuv', 'unix-net', 'local'] as const).map((transport) => ({ scenario, transport, why: NO_SLOW_CONNECT })),
)

export function notApplicable(scenario: string, transport: TestTransportName, mode: Mode): NotApplicableCell | undefined {
  return NOT_APPLICABLE.find(
    (each) =>
      (each.scenario === '*' || each.scenario === scenario) &&
      each.transport === transport &&
      (each.mode === undefined || each.mode === mode),
  )
}
