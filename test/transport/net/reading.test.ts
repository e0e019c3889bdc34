import { useCell } from '../../support/cell.js'
import { NET_TCP } from '../../support/transports.js'

// The tests of reading, closing and connecting once more, over node:net.
useCell(NET_TCP)
await import('../auto-read.test.js')
await import('../half-closure.test.js')
await import('../close.test.js')
await import('../connect.test.js')
await import('../deregister.test.js')
await import('../async-context.test.js')
await import('../half-open.test.js')
await import('../liveness.test.js')
await import('../liveness-random.test.js')
await import('../async-channel.test.js')
