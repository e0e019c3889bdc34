import { useCell } from '../../support/cell.js'
import { NET_TCP } from '../../support/transports.js'

// Binding, connecting and shutting down once more, over node:net.
useCell(NET_TCP)
await import('../../unit/transport/bootstrap/server-bootstrap-bind.test.js')
await import('../../unit/transport/bootstrap/server-bootstrap.test.js')
await import('../../unit/transport/bootstrap/bootstrap.test.js')
await import('../shutdown.test.js')
