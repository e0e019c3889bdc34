import { COMMON_OPTIONS } from '../channel/channel-config.js'
import { ChannelOption } from '../channel/channel-option.js'

/** The options of every connection that carries a stream: TCP, Unix and local. */
export const STREAM_OPTIONS: readonly ChannelOption<unknown>[] = [
  ...COMMON_OPTIONS,
  ChannelOption.ALLOW_HALF_CLOSURE,
  ChannelOption.LIVENESS_PROBE_MS,
  ChannelOption.HALF_OPEN_TIMEOUT_MS,
  ChannelOption.SO_LINGER,
]

/** The options a socket connection knows. On a Unix domain socket those of TCP have no effect. */
export const SOCKET_OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set<ChannelOption<unknown>>([
  ...STREAM_OPTIONS,
  ChannelOption.COPY_THRESHOLD_BYTES,
  ChannelOption.TCP_NODELAY,
  ChannelOption.SO_KEEPALIVE,
])

/** The options of every channel that accepts connections. */
export const ACCEPT_OPTIONS: readonly ChannelOption<unknown>[] = [
  ChannelOption.AUTO_READ,
  ChannelOption.SO_BACKLOG,
  ChannelOption.MAX_CONNECTIONS,
  ChannelOption.REGISTRATION_TIMEOUT_MS,
  ChannelOption.ALLOCATOR,
]

/** The options a listening socket knows. */
export const SERVER_SOCKET_OPTIONS: ReadonlySet<ChannelOption<unknown>> = new Set<ChannelOption<unknown>>([
  ...ACCEPT_OPTIONS,
  ChannelOption.IPV6_V6ONLY,
  ChannelOption.DESCRIPTOR_HEADROOM,
])

/** Kernel default of net.ipv4.tcp_keepalive_time would be 2 hours; Node's own API takes the delay in seconds, and libuv refuses 0. */
export const KEEP_ALIVE_DELAY_SECONDS = 60
