import { useCell } from '../../support/cell.js'

// The tests of writing once more, over node:net.
useCell('net')
await import('../write.test.js')
await import('../write-close.test.js')
await import('../write-random.test.js')
await import('../composite.test.js')
await import('../pooled-writes.test.js')
await import('../flush-cost.test.js')
await import('../forward-between-groups.test.js')
