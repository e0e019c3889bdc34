import { useCell } from '../../support/cell.js'
import { LIBUV_UNIX } from '../../support/transports.js'

// Random operations once more, over Unix domain sockets on the handles of libuv.
useCell(LIBUV_UNIX)
await import('../chaos.test.js')
