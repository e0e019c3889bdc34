import { useCell } from '../../support/cell.js'
import { NET_TCP } from '../../support/transports.js'

// The tests of writing once more, over node:net.
useCell(NET_TCP)
await import('../write.test.js')
await import('../write-close.test.js')
await import('../write-random.test.js')
await import('../composite.test.js')
await import('../pooled-writes.test.js')
await import('../shared-memory-random.test.js')
await import('../flush-cost.test.js')
await import('../forward-between-groups.test.js')
