// Every scenario on every transport: see README.md.
import { runCells } from './run-cells.js'
import { SCENARIOS } from './scenarios/index.js'

runCells(SCENARIOS)
