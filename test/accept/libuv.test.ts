import { LIBUV_TCP } from '../support/transports.js'
import { runCell } from './run-cell.js'

runCell(LIBUV_TCP)
