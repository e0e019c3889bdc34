// Every scenario on Unix domain sockets, by both transports: see README.md.
import { UNIX_KITS } from './kits.js'
import { runCells } from './run-cells.js'
import { SCENARIOS } from './scenarios/index.js'

runCells(SCENARIOS, UNIX_KITS)
