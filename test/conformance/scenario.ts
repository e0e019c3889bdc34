import type { TestTransportName } from '../support/transports.js'
import type { Cell, Mode } from './cell.js'
import type { Logs, SideLogs } from './logs.js'

/** Where a transport legitimately differs: which logs are other there, and why. */
export interface Difference {
  readonly transports: readonly TestTransportName[]
  readonly modes?: readonly Mode[]
  readonly why: string
  /** Replaces the sides it names. */
  readonly expected: Partial<Logs & { readonly merged: SideLogs }>
}

/** Something every transport must do in the same way. */
export interface Scenario {
  /** Its row in the table. */
  readonly id: string
  /** A sentence of behaviour. */
  readonly behaviour: string
  readonly run: (cell: Cell) => Promise<void>
  /** The three logs, in every cell. */
  readonly expected: Logs
  readonly differs?: readonly Difference[]
  /** The interleaving of the three logs, where it is the same in all cells. */
  readonly merged?: SideLogs
  /** When the scenario is given up, in ms; 5,000 without it. */
  readonly deadlineMs?: number
  /** How often channels become unwritable is up to the kernel: these lines are left out of the logs. */
  readonly ignoreWritability?: boolean
  /** The scenario makes Knotty warn or report errors; otherwise a line in the log fails the cell. */
  readonly logsWarnings?: boolean
}
