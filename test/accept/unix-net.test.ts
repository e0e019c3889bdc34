import { UNIX_NET_CELL } from '../support/accept-cell.js'
import { runCell } from './run-cell.js'

runCell(UNIX_NET_CELL)
