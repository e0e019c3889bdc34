import { NET_UNIX } from '../support/transports.js'
import { runCell } from './run-cell.js'

runCell(NET_UNIX)
