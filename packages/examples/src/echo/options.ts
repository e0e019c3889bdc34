import { parseArgs } from 'node:util'
import {
  type Channel,
  LibuvServerChannel,
  LibuvSocketChannel,
  NetServerChannel,
  NetSocketChannel,
  type ServerChannel,
  type SocketTransport,
  socketTransport,
} from 'knotty'
import { portNumber } from '../command-line.js'

/** `none` echoes bytes as they come; `length4` puts a 4-byte big-endian length before each message. */
export type Framing = 'none' | 'length4'

export interface EchoOptions {
  readonly port: number
  readonly host: string
  readonly framing: Framing
  readonly transport: SocketTransport
}

/** Reads `--port`, `--host`, `--framing` and `--transport`; says what is wrong and ends the process when it cannot. */
export function readEchoOptions(defaultPort: number): EchoOptions {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: String(defaultPort) },
        host: { type: 'string', default: '127.0.0.1' },
        framing: { type: 'string', default: 'length4' },
        transport: { type: 'string' },
      },
    })
    if (values.framing !== 'none' && values.framing !== 'length4') throw new Error(`--framing ${values.framing}: none or length4`)
    const transport = values.transport ?? socketTransport()
    if (transport !== 'libuv' && transport !== 'net') throw new Error(`--transport ${transport}: libuv or net`)
    return { port: portNumber(values.port), host: values.host, framing: values.framing, transport }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}

/** A channel to listen with. */
export function newServerChannel(transport: SocketTransport): ServerChannel {
  return transport === 'net' ? new NetServerChannel() : new LibuvServerChannel()
}

/** A channel to connect with. */
export function newClientChannel(transport: SocketTransport): Channel {
  return transport === 'net' ? new NetSocketChannel() : new LibuvSocketChannel()
}
