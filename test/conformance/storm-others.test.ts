// The columns that storm-tcp.test.ts has not.
import { OTHER_KITS } from './kits.js'
import { runCells } from './run-cells.js'
import { STORM } from './scenarios/storm.js'

runCells(STORM, OTHER_KITS)
