import { useCell } from '../../support/cell.js'

// Random operations once more, over Unix domain sockets on the handles of libuv.
useCell('libuv-unix')
await import('../chaos.test.js')
