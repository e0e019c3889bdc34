import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import type { AcceptCell } from '../support/accept-cell.js'
import { AcceptClient } from '../support/accept-client.js'
import { AcceptRun } from '../support/accept-run.js'
import { NOT_APPLICABLE, NotApplicable, notApplicable } from './not-applicable.js'

/** Declares tests of the accept path for one cell. */
export class CellSuite {
  readonly cell: AcceptCell
  private readonly client = new AcceptClient()
  private readonly declared = new Set<string>()

  constructor(cell: AcceptCell) {
    this.cell = cell
    after(async () => {
      await this.client.stop()
      cell.family.cleanUp()
    })
  }

  /** @param listedAs what not-applicable.ts calls it, for the variants of one test */
  test(name: string, body: (run: AcceptRun, t: TestContext) => Promise<void>, listedAs: string = name): void {
    this.declared.add(listedAs)
    test(name, async (t) => {
      const listed = notApplicable(listedAs, this.cell.transport.name)
      try {
        await body(new AcceptRun(t, this.cell, this.client), t)
      } catch (error) {
        if (!(error instanceof NotApplicable)) throw error
        assert.ok(listed, `skipped in the cell ${this.cell.transport.name} and not listed in not-applicable.ts`)
        return t.skip(listed)
      }
      assert.equal(listed, undefined, `listed in not-applicable.ts for ${this.cell.transport.name}, and runs`)
    })
  }

  /** Declared last: what is listed as not applicable must be the name of a test. */
  testTheList(): void {
    test('every test that is listed as not applicable exists', () => {
      const unknown = NOT_APPLICABLE.map((each) => each.test).filter((name) => !this.declared.has(name))
      assert.deepEqual(unknown, [])
    })
  }
}
