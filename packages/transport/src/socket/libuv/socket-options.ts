import { COMMON_OPTIONS } from '../../channel/channel-config.js'
import { ChannelOption } from '../../channel/channel-option.js'
import type { TcpHandle } from './binding.js'

/** The options a TCP connection knows. */
export const SOCKET_OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set<ChannelOption<unknown>>([
  ...COMMON_OPTIONS,
  ChannelOption.ALLOW_HALF_CLOSURE,
  ChannelOption.COPY_THRESHOLD_BYTES,
  ChannelOption.TCP_NODELAY,
  ChannelOption.SO_KEEPALIVE,
  ChannelOption.SO_LINGER,
])

/** Kernel default of net.ipv4.tcp_keepalive_time would be 2 hours; Node's own API takes the delay in seconds, and libuv refuses 0. */
const KEEP_ALIVE_DELAY_SECONDS = 60

/** Sets the option on the socket, if it is one of the socket; 0 or the errno with which the kernel refused it. */
export function applySocketOption(handle: TcpHandle, option: ChannelOption<unknown>, value: unknown): number {
  if (option === ChannelOption.TCP_NODELAY) return handle.setNoDelay(value as boolean)
  if (option === ChannelOption.SO_KEEPALIVE) return handle.setKeepAlive(value as boolean, KEEP_ALIVE_DELAY_SECONDS)
  return 0
}
