import { useCell } from '../../support/cell.js'

// Binding, connecting and shutting down once more, over node:net.
useCell('net')
await import('../../unit/transport/bootstrap/server-bootstrap-bind.test.js')
await import('../../unit/transport/bootstrap/server-bootstrap.test.js')
await import('../../unit/transport/bootstrap/bootstrap.test.js')
await import('../shutdown.test.js')
