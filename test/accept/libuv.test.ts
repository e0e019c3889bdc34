import { LIBUV_CELL } from '../support/accept-cell.js'
import { runCell } from './run-cell.js'

runCell(LIBUV_CELL)
