import type { TestTransportName } from '../support/transports.js'

/** Ends a test in a cell it cannot apply to; the cell must be listed here for it. */
export class NotApplicable extends Error {}

/** A test, in all its variants, that is not run in these cells. */
export interface NotApplicableTest {
  readonly test: string
  readonly cells: readonly TestTransportName[]
  readonly why: string
}

/** All that is not run. A test that skips without being here fails, and so does one that is here and runs. */
export const NOT_APPLICABLE: readonly NotApplicableTest[] = [
  {
    test: '11 the raw socket has no memory for a listener',
    cells: ['libuv', 'unix-libuv'],
    why: "the raw socket is Node's own handle, which has no listeners",
  },
]

/** Why the test is not run in this cell; undefined when it is. */
export function notApplicable(test: string, cell: TestTransportName): string | undefined {
  return NOT_APPLICABLE.find((each) => each.test === test && each.cells.includes(cell))?.why
}
