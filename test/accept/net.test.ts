import { NET_TCP } from '../support/transports.js'
import { runCell } from './run-cell.js'

runCell(NET_TCP)
