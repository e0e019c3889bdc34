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
import { portNumber, readOptions, wrongUsage } from '../command-line.js'

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
  const options = readOptions({ port: String(defaultPort), host: '127.0.0.1', framing: 'length4', transport: '' })
  const { host, framing } = options
  if (framing !== 'none' && framing !== 'length4') return wrongUsage(`--framing ${framing}: none or length4`)
  const transport = options.transport === '' ? socketTransport() : options.transport
  if (transport !== 'libuv' && transport !== 'net') return wrongUsage(`--transport ${transport}: libuv or net`)
  return { port: portNumber(options.port), host, framing, transport }
}

/** A channel to listen with. */
export function newServerChannel(transport: SocketTransport): ServerChannel {
  return transport === 'net' ? new NetServerChannel() : new LibuvServerChannel()
}

/** A channel to connect with. */
export function newClientChannel(transport: SocketTransport): Channel {
  return transport === 'net' ? new NetSocketChannel() : new LibuvSocketChannel()
}
