import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import { type Logger, setLogger } from '@knotty/common'
import { leakScope } from '../support/leak-scope.js'
import { Cell, type Mode, MODES, NotApplicable } from './cell.js'
import type { Logs, SideLogs } from './logs.js'
import { NOT_APPLICABLE, notApplicable } from './not-applicable.js'
import type { Difference, Scenario } from './scenario.js'
import { ResultTable } from './result-table.js'
import { SCENARIOS } from './scenarios/index.js'
import { STORM } from './scenarios/storm.js'
import type { TransportKit } from './transport-kit.js'

const CELL_DEADLINE_MS = 5000

/** Declares a test for each scenario in each cell, and one at the end that prints the table and finds cells that are missing. */
export function runCells(scenarios: readonly Scenario[], kits: readonly TransportKit[]): void {
  const table = new ResultTable(
    scenarios.map((scenario) => scenario.id),
    kits.map((kit) => kit.transport.name),
  )
  for (const scenario of scenarios) {
    for (const kit of kits) {
      for (const mode of MODES) {
        test(`${scenario.behaviour} [${scenario.id}, ${kit.transport.name}, ${mode}]`, (t) => runCell(t, scenario, kit, mode, table))
      }
    }
  }
  test('every cell was run, or is listed as not applicable', (t) => {
    for (const line of table.lines()) t.diagnostic(line)
    assert.deepEqual(table.missing(), [], 'cells that were neither run nor listed')
    const ids = [...SCENARIOS, ...STORM].map((scenario) => scenario.id)
    assert.deepEqual([...new Set(ids)], ids, 'a scenario id is used twice')
    const unknown = NOT_APPLICABLE.filter((each) => each.scenario !== '*' && !ids.includes(each.scenario))
    assert.deepEqual(unknown, [], 'listed scenarios that do not exist')
  })
  after(() => {
    for (const kit of kits) kit.cleanUp()
  })
}

async function runCell(t: TestContext, scenario: Scenario, kit: TransportKit, mode: Mode, table: ResultTable): Promise<void> {
  const listed = notApplicable(scenario.id, kit.transport.name, mode)
  const skip = (why: string): void => {
    assert.ok(listed, `this cell is skipped and not listed in not-applicable.ts: ${why}`)
    table.set(scenario.id, kit.transport.name, mode, `n/a: ${listed.why}`)
    t.skip(listed.why)
  }
  table.set(scenario.id, kit.transport.name, mode, 'FAILED') // until it is over
  let skipped: NotApplicable | undefined
  let inode: string | undefined
  const warnings = recordWarnings()
  try {
    await leakScope(async (scope) => {
      const cell = new Cell(kit, mode, scope)
      try {
        await withDeadline(scenario.run(cell), cell, scenario.deadlineMs ?? CELL_DEADLINE_MS)
      } catch (error) {
        if (!(error instanceof NotApplicable)) throw error
        skipped = error
        return
      }
      cell.assertOver()
      compare(scenario, cell)
      inode = cell.inode
    })()
  } finally {
    setLogger(undefined)
  }
  if (skipped !== undefined) return skip(skipped.message)
  assert.equal(listed, undefined, 'this cell is listed in not-applicable.ts and runs')
  if (scenario.logsWarnings !== true) assert.deepEqual(warnings, [], 'what Knotty logged')
  assert.match(inode ?? 'no socket', kit.transport.name === 'local' ? /^none$/ : /^\d+$/, 'the inode of the socket the scenario used')
  table.set(scenario.id, kit.transport.name, mode, inode ?? '')
}

function compare(scenario: Scenario, cell: Cell): void {
  const difference = scenario.differs?.find(
    (each) => each.transports.includes(cell.kit.transport.name) && (each.modes === undefined || each.modes.includes(cell.mode)),
  )
  const without = scenario.ignoreWritability === true ? ['writable', 'unwritable'] : []
  for (const log of ['inbound', 'promises', 'closing'] as const) {
    assert.deepEqual(cell.logs(log, without), expectedLog(scenario.expected, difference, log), `the log of ${log}`)
  }
  const merged = cell.logs('merged', without)
  for (const [label, lines] of Object.entries({ ...scenario.merged, ...difference?.expected.merged })) {
    assert.deepEqual(merged[label], lines, `the merged log of ${label}`)
  }
}

/** A difference replaces single sides of single logs. */
function expectedLog(expected: Logs, difference: Difference | undefined, log: keyof Logs): SideLogs {
  const all: SideLogs = { ...expected[log], ...difference?.expected[log] }
  return Object.fromEntries(Object.entries(all).filter(([, lines]) => lines.length > 0))
}

/** Warnings and errors that Knotty logs from here on. */
function recordWarnings(): string[] {
  const lines: string[] = []
  const record = (message: string, error?: unknown): void => void lines.push(error === undefined ? message : `${message}: ${String(error)}`)
  const logger: Logger = { debug: () => undefined, info: () => undefined, warn: record, error: record }
  setLogger(logger)
  return lines
}

/** A scenario that waits for what never comes fails with what came. */
async function withDeadline(running: Promise<void>, cell: Cell, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seen = JSON.stringify(cell.logs('merged'), undefined, 1)
      reject(new Error(`the scenario did not end within ${deadlineMs} ms; so far: ${seen}`))
    }, deadlineMs)
  })
  try {
    await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}
