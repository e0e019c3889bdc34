import { LIBUV_UNIX } from '../support/transports.js'
import { runCell } from './run-cell.js'

runCell(LIBUV_UNIX)
