// Opens connections and keeps them: node idle-clients.js PORT COUNT. Prints `connected`.
import process from 'node:process'
import { TcpSocketAddress } from '@knotty/transport'
import { ClosedLoop } from './load/closed-loop.js'
import { MessageStream } from './load/message-stream.js'

const [port, connections] = process.argv.slice(2).map(Number) as [number, number]
const loop = new ClosedLoop(new MessageStream('raw', 1, 1))
await loop.connect(new TcpSocketAddress('127.0.0.1', port), connections)
console.log('connected')
