import process from 'node:process'
import { getLogger, IllegalArgumentError } from '@knotty/common'
import type { Channel, ServerChannel } from '../channel/channel.js'
import { LocalSocketAddress, type SocketAddress } from './address.js'
import { libuvBinding } from './libuv/binding.js'
import { LibuvServerChannel } from './libuv/libuv-server-channel.js'
import { LibuvSocketChannel } from './libuv/libuv-socket-channel.js'
import { LocalChannel } from './local/local-channel.js'
import { LocalServerChannel } from './local/local-server-channel.js'
import { NetServerChannel } from './net/net-server-channel.js'
import { NetSocketChannel } from './net/net-socket-channel.js'

/** What carries the sockets of bootstraps that name no channel class. */
export type SocketTransport = 'libuv' | 'net'

let chosen: SocketTransport | undefined

/**
 * The transport of this process, chosen once: libuv's own handles where they were tested (Linux, Node.js 20, 22, 24 and 26), `node:net`
 * elsewhere, which is told in one line. The environment variable KNOTTY_TRANSPORT, `libuv` or `net`, decides instead.
 *
 * An IllegalArgumentError for another value of it; an UnsupportedOperationError when it says libuv and that cannot be.
 */
export function socketTransport(): SocketTransport {
  chosen ??= choose(process.env['KNOTTY_TRANSPORT'])
  return chosen
}

function choose(wanted: string | undefined): SocketTransport {
  if (wanted === 'net') return 'net'
  if (wanted !== undefined && wanted !== '' && wanted !== 'libuv') {
    throw new IllegalArgumentError(`KNOTTY_TRANSPORT: '${wanted}' (expected: 'libuv' or 'net', or not set)`)
  }
  try {
    libuvBinding()
    return 'libuv'
  } catch (error) {
    if (wanted === 'libuv') throw error
    getLogger().warn(`${(error as Error).message}; node:net is used instead (KNOTTY_TRANSPORT=net silences this line)`)
    return 'net'
  }
}

/** A channel to connect to such an address with. */
export function newSocketChannel(address: SocketAddress | undefined): Channel {
  if (address instanceof LocalSocketAddress) return new LocalChannel()
  return socketTransport() === 'net' ? new NetSocketChannel() : new LibuvSocketChannel()
}

/** A channel to listen at such an address with. */
export function newServerChannel(address: SocketAddress | undefined): ServerChannel {
  if (address instanceof LocalSocketAddress) return new LocalServerChannel()
  return socketTransport() === 'net' ? new NetServerChannel() : new LibuvServerChannel()
}
