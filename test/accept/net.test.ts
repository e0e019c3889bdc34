import { NET_CELL } from '../support/accept-cell.js'
import { runCell } from './run-cell.js'

runCell(NET_CELL)
