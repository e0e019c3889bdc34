import type { AcceptCell } from '../support/accept-cell.js'
import { testAdmission } from './admission.js'
import { CellSuite } from './cell-suite.js'
import { testExits } from './exits.js'
import { testGuard } from './guard.js'

/** Declares every test of the accept path for one cell: one cell a file, because the tests of one file share its client process. */
export function runCell(cell: AcceptCell): void {
  const suite = new CellSuite(cell)
  testExits(suite)
  testGuard(suite)
  testAdmission(suite)
  suite.testTheList()
}
