import { useCell } from '../../support/cell.js'
import { NET_TCP } from '../../support/transports.js'

// Random operations once more, over node:net.
useCell(NET_TCP)
await import('../chaos.test.js')
