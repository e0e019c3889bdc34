import { UNIX_LIBUV_CELL } from '../support/accept-cell.js'
import { runCell } from './run-cell.js'

runCell(UNIX_LIBUV_CELL)
