// Apart from tcp.test.ts for its duration: the runner gives a file 120 seconds.
import { TCP_KITS } from './kits.js'
import { runCells } from './run-cells.js'
import { STORM } from './scenarios/storm.js'

runCells(STORM, TCP_KITS)
