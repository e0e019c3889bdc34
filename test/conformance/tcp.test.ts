// Every scenario on TCP, by both transports: see README.md.
import { TCP_KITS } from './kits.js'
import { runCells } from './run-cells.js'
import { SCENARIOS } from './scenarios/index.js'

runCells(SCENARIOS, TCP_KITS)
