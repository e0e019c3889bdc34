import { useCell } from '../../support/cell.js'
import { LIBUV_UNIX } from '../../support/transports.js'

// Reading, writing and closing once more, over Unix domain sockets on the handles of libuv.
useCell(LIBUV_UNIX)
await import('../auto-read.test.js')
await import('../half-closure.test.js')
await import('../close.test.js')
await import('../deregister.test.js')
await import('../half-open.test.js')
await import('../liveness.test.js')
await import('../liveness-random.test.js')
await import('../write.test.js')
await import('../write-close.test.js')
await import('../write-random.test.js')
await import('../shared-memory-random.test.js')
await import('../async-channel.test.js')
