// Every scenario on the local transport: see README.md.
import { LOCAL_KITS } from './kits.js'
import { runCells } from './run-cells.js'
import { SCENARIOS } from './scenarios/index.js'

runCells(SCENARIOS, LOCAL_KITS)
