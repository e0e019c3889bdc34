// The columns that storm-tcp.test.ts has not.
import { LOCAL_KITS, UNIX_KITS } from './kits.js'
import { runCells } from './run-cells.js'
import { STORM } from './scenarios/storm.js'

runCells(STORM, [...UNIX_KITS, ...LOCAL_KITS])
