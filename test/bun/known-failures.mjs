// What does not hold under Bun 1.4.4, file by file, each with its cause. run.mjs enforces the list both ways.
//
//     file    below test/dist; one that ends in / stands for all files of that folder
//     tests   names as the runner prints them, groups joined by ` > `; without `tests` and `match` the whole file
//     match   instead of tests, a regular expression on the name
//     run     false: not even started, because it would wait for its time limit or has nothing to say there
//     cause   'libuv': the test is about the transport on libuv's handles, or asserts what only that one does; it does not
//             hold over node:net on Node.js either. 'Bun': Node.js with KNOTTY_TRANSPORT=net passes it.

const DRIVES_LIBUV = 'it drives LibuvServerChannel and the raw handles it accepts'
const NAMES_LIBUV = 'it makes LibuvSocketChannel or LibuvServerChannel itself, or hangs a connect in the raw handle'
const CHUNKS = 'it counts chunks of a 1 KiB read slab; node:net has buffers of its own and gives larger chunks'
const SYNCHRONOUS = 'it asserts that a write completes inside flush(); over node:net it completes in the callback of socket.write'
const ERROR_ADDRESS = 'it asserts the address of the error as Knotty prints it; that of an error of node:net has no port'
const CLASS_NAME = 'it asserts the class name of the libuv transport in a message'
const PENDING_FIN = 'over node:net the promise of shutdownOutput() is not completed when the channel is aborted meanwhile'

export const KNOWN_FAILURES = [
  { file: 'accept/', run: false, cause: 'libuv', why: DRIVES_LIBUV },
  { file: 'transport/binding.test.js', run: false, cause: 'libuv', why: 'it is about process.binding and switches of Node.js' },
  { file: 'transport/read-slab.test.js', run: false, cause: 'libuv', why: 'there is no read slab over node:net' },
  { file: 'transport/flush-cost.test.js', run: false, cause: 'libuv', why: 'it counts the requests and slabs of the libuv transport' },
  { file: 'transport/chaos.test.js', run: false, cause: 'libuv', why: PENDING_FIN },
  { file: 'transport/close.test.js', cause: 'libuv', why: PENDING_FIN, tests: ['abort() > frees the descriptor also while FIN waits behind queued writes'] },
  {
    file: 'transport/write-close.test.js',
    run: false,
    cause: 'libuv',
    why: 'it waits for the progress of a write under way, which node:net does not tell',
    tests: [
      '64 MiB to a peer that does not read, then close() > reports no byte as written that the kernel did not take, and fails the rest in order (arrays)',
      '64 MiB to a peer that does not read, then close() > reports no byte as written that the kernel did not take, and fails the rest in order (buffers)',
      '64 MiB to a peer that does not read, then close() > gives the memory back',
    ],
  },
  {
    file: 'transport/async-context.test.js',
    cause: 'libuv',
    why: NAMES_LIBUV,
    tests: ['the callbacks of a channel > of a channel that was connected directly inside a store do not see it either'],
  },
  {
    file: 'transport/connect.test.js',
    cause: 'libuv',
    why: NAMES_LIBUV,
    tests: ['connect > fails, and leaves no socket, when the connected handle cannot be made the channel’s'],
  },
  {
    file: 'transport/auto-read.test.js',
    cause: 'libuv',
    why: CHUNKS,
    tests: [
      'AUTO_READ > off: nothing is read until read(), and one read() gives one channelRead and one channelReadComplete',
      'AUTO_READ > off: read() inside channelRead arms exactly one more read',
      'AUTO_READ > off: read() inside channelReadComplete arms exactly one more read',
      'AUTO_READ > turned off inside channelRead: no further channelRead until read()',
    ],
  },
  {
    file: 'transport/half-closure.test.js',
    cause: 'libuv',
    why: CHUNKS,
    tests: ['shutdownInput() > inside channelRead lets no further chunk through'],
  },
  {
    file: 'transport/half-closure.test.js',
    cause: 'libuv',
    why: SYNCHRONOUS,
    tests: ['shutdownOutput() > is what a write error does with AUTO_CLOSE off; the channel stays open for reading'],
  },
  {
    file: 'transport/deregister.test.js',
    cause: 'libuv',
    why: 'it asserts that the chunks lie in the read slab of the new loop',
    tests: ['a channel that is deregistered and registered again > by another group reads into the slab of that one, also while a write is under way'],
  },
  {
    file: 'transport/native-entries.test.js',
    cause: 'libuv',
    why: SYNCHRONOUS,
    tests: ['a listener that throws > of a write, inside flush() and inside oncomplete, keeps no later write from completing'],
  },
  {
    file: 'transport/native-entries.test.js',
    run: false,
    cause: 'libuv',
    why: 'it puts the defect into LibuvSocketChannel',
    tests: [
      'a defect in the transport itself > that throws while a chunk is delivered closes that channel and does not reach the process',
      'a defect in the transport itself > that throws when a write has completed is logged and does not reach the process',
    ],
  },
  {
    file: 'transport/write.test.js',
    cause: 'libuv',
    why: SYNCHRONOUS,
    tests: [
      'write and flush > complete a promise inside flush() when the kernel takes all at once, and not before',
      'write and flush > carry 3,000 large messages in one flush, at most 1,024 in a request',
      'write and flush > carry more than 1 MiB of small messages in one flush',
      'write and flush > complete empty messages in their turn',
      'write and flush > release each message once it is sent, and when it cannot be',
      'write and flush > refuse a string and name StringEncoder',
    ],
  },
  {
    file: 'unit/transport/bootstrap/bootstrap.test.js',
    cause: 'libuv',
    why: CLASS_NAME,
    tests: ['connect > with an option the channel does not know fails before there is a socket'],
  },
  {
    file: 'unit/transport/bootstrap/bootstrap.test.js',
    cause: 'libuv',
    why: ERROR_ADDRESS,
    tests: ['connect > that is refused fails with the system error and the address', 'connect > whose addresses are all refused lists each try'],
  },
  {
    file: 'unit/transport/bootstrap/bootstrap.test.js',
    cause: 'libuv',
    why: NAMES_LIBUV,
    tests: [
      'connect > times out while an address does not answer, and tells of the tries before',
      'cancelling a connect > by its signal, while the name is looked up, names the reason and leaves no socket',
      'cancelling a connect > by its future, while the name is looked up, leaves no socket',
      'cancelling a connect > by its signal, while an address does not answer, names the reason and leaves no socket',
      'cancelling a connect > by its future, while an address does not answer, leaves no socket',
      'clone, config and channel > a channel factory makes the channel of each connect; what it does wrong fails the future',
    ],
  },
  {
    file: 'unit/transport/bootstrap/server-bootstrap-bind.test.js',
    cause: 'libuv',
    why: CLASS_NAME,
    tests: ['bind > with an option the server channel does not know fails before there is a socket'],
  },
  {
    file: 'unit/transport/bootstrap/server-bootstrap-bind.test.js',
    cause: 'libuv',
    why: ERROR_ADDRESS,
    tests: ['bind > on a port in use fails with EADDRINUSE and closes its channel'],
  },
  {
    file: 'unit/transport/bootstrap/server-bootstrap-bind.test.js',
    cause: 'libuv',
    why: NAMES_LIBUV,
    tests: ['bind > of the same channel works again after it failed, and not twice'],
  },
  {
    file: 'unit/transport/bootstrap/server-bootstrap.test.js',
    cause: 'libuv',
    why: NAMES_LIBUV,
    tests: ['channel > makes the channel of each bind'],
  },
  {
    file: 'unit/transport/bootstrap/server-bootstrap.test.js',
    cause: 'libuv',
    why: 'over node:net a connection may come between listening and channelActive of the server',
    tests: ['handler > sees the server become active and each child before the acceptor, which stands last'],
  },
  {
    file: 'unit/buffer/byte-buf.test.js',
    cause: 'Bun',
    why: 'importing a file again with a query gives the same module there, not a second copy',
    tests: ['isByteBuf knows a ByteBuf of another copy of the package by its brand'],
  },
  {
    file: 'unit/common/concurrency/promise.test.js',
    cause: 'Bun',
    why: 'bun test fails a test in which a rejection is unhandled, whoever else listens for it',
    tests: ['as a thenable > what then gives is an ordinary promise, whose unhandled rejection is reported'],
  },
  {
    file: 'unit/transport/bootstrap/server-bootstrap-bind.test.js',
    cause: 'Bun',
    why: 'listen looks a host name up before it returns, so the bind is done before it can be cancelled or its channel closed',
    tests: ['bind > that is cancelled while the name is looked up leaves no socket', 'a bind whose channel is closed while the name is looked up fails at once'],
  },
]
