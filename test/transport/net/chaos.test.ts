import { useCell } from '../../support/cell.js'

// Random operations once more, over node:net.
useCell('net')
await import('../chaos.test.js')
