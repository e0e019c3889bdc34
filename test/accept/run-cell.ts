import { acceptCell } from '../support/accept-cell.js'
import type { TestTransport } from '../support/transports.js'
import { testAdmission } from './admission.js'
import { CellSuite } from './cell-suite.js'
import { testExits } from './exits.js'
import { testGuard } from './guard.js'

/** Declares every test of the accept path for one transport: one a file, because the tests of one file share its client process. */
export function runCell(transport: TestTransport): void {
  const suite = new CellSuite(acceptCell(transport))
  testExits(suite)
  testGuard(suite)
  testAdmission(suite)
  suite.testTheList()
}
