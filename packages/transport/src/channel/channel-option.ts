import { type ByteBufAllocator } from '@knotty/buffer'
import { checkDurationMs, checkNonNegativeInteger, checkPositiveInteger, IllegalArgumentError, inspectInOneLine, shown } from '@knotty/common'
import { checkWaterMark, type WriteBufferWaterMark } from './write-water-mark.js'

/** Bivariant on purpose: sets and maps hold options of all types as ChannelOption<unknown>. */
type Check<T> = { check(value: T, name: string): unknown }['check']

/** Names one typed setting of a channel. A channel class declares which it knows; any other fails bind and connect. */
export class ChannelOption<T> {
  static {
    inspectInOneLine(this)
  }

  readonly name: string
  /** Unit or values, for messages. */
  readonly unit: string
  private readonly check: Check<T>

  private constructor(name: string, unit: string, check: Check<T>) {
    this.name = name
    this.unit = unit
    this.check = check
  }

  /** `value` itself; an IllegalArgumentError that names option and value when it is not one this option takes. */
  validate(value: T): T {
    this.check(value, `${this.name} (${this.unit})`)
    return value
  }

  toString(): string {
    return `ChannelOption.${this.name}`
  }

  /**
   * Read again by itself after each read (true). Off: one `read()` gives one read of the socket. Of a server channel: accept; off,
   * connections wait in the kernel where the listener can be parked, elsewhere they are refused (see docs/transports.md).
   */
  static readonly AUTO_READ: ChannelOption<boolean> = new ChannelOption('AUTO_READ', 'true or false', checkBoolean)
  /** Close on a write error (true); off: only the output is shut down. */
  static readonly AUTO_CLOSE: ChannelOption<boolean> = new ChannelOption('AUTO_CLOSE', 'true or false', checkBoolean)
  /** Stay open for writing after the peer's FIN (false). */
  static readonly ALLOW_HALF_CLOSURE: ChannelOption<boolean> = new ChannelOption('ALLOW_HALF_CLOSURE', 'true or false', checkBoolean)
  /** Time for name lookup and connect together, in ms; 0: no limit (30000). */
  static readonly CONNECT_TIMEOUT_MILLIS: ChannelOption<number> = new ChannelOption(
    'CONNECT_TIMEOUT_MILLIS',
    'ms, 0 = none',
    checkDurationMs,
  )
  /** When isWritable changes, in bytes ({ low: 32768, high: 65536 }). */
  static readonly WRITE_BUFFER_WATER_MARK: ChannelOption<WriteBufferWaterMark> = new ChannelOption(
    'WRITE_BUFFER_WATER_MARK',
    'bytes { low, high }',
    checkWaterMark,
  )
  /** Write requests one flush makes before it goes on in a task of the loop (16). */
  static readonly WRITE_SPIN_COUNT: ChannelOption<number> = new ChannelOption('WRITE_SPIN_COUNT', 'requests', checkPositiveInteger)
  /** Makes the buffers of this channel's handlers (PooledByteBufAllocator.DEFAULT; ByteBufAllocator.DEFAULT pools nothing). */
  static readonly ALLOCATOR: ChannelOption<ByteBufAllocator> = new ChannelOption<ByteBufAllocator>(
    'ALLOCATOR',
    'a ByteBufAllocator',
    checkObject,
  )
  /** Messages up to this size are copied together before they are written, larger ones are not copied, in bytes (4096). */
  static readonly COPY_THRESHOLD_BYTES: ChannelOption<number> = new ChannelOption('COPY_THRESHOLD_BYTES', 'bytes', checkNonNegativeInteger)
  /** Send small segments at once, without waiting for acknowledgements (true, as in Netty; the kernel's own default is off). */
  static readonly TCP_NODELAY: ChannelOption<boolean> = new ChannelOption('TCP_NODELAY', 'true or false', checkBoolean)
  /** Let the kernel probe idle connections (off). */
  static readonly SO_KEEPALIVE: ChannelOption<boolean> = new ChannelOption('SO_KEEPALIVE', 'true or false', checkBoolean)
  /** 0 only: close() resets the connection and discards what was not sent. Other values cannot be set on Node. */
  static readonly SO_LINGER: ChannelOption<number> = new ChannelOption('SO_LINGER', '0 only', checkZero)
  /** Connections the kernel completes ahead of accept (4096; the kernel caps it at net.core.somaxconn). */
  static readonly SO_BACKLOG: ChannelOption<number> = new ChannelOption('SO_BACKLOG', 'connections', checkPositiveInteger)
  /** Bytes that may wait to be read at one end of a local connection, 96 more for each message (65536). Node cannot set a socket's. */
  static readonly SO_RCVBUF: ChannelOption<number> = new ChannelOption('SO_RCVBUF', 'bytes', checkPositiveInteger)
  /** Listen on IPv6 alone when bound to `::` (false). */
  static readonly IPV6_V6ONLY: ChannelOption<boolean> = new ChannelOption('IPV6_V6ONLY', 'true or false', checkBoolean)
  /** How long an accepted connection may take to be registered, async initializer included, in ms (10000). */
  static readonly REGISTRATION_TIMEOUT_MS: ChannelOption<number> = new ChannelOption('REGISTRATION_TIMEOUT_MS', 'ms', checkDurationMs)
  /**
   * How often a connection that nobody reads is looked at, in ms (10000; 0: never): a socket that is not read shows neither FIN nor
   * RST. Up to 64 KiB that such a look brings up are kept, in order, for the next read().
   */
  static readonly LIVENESS_PROBE_MS: ChannelOption<number> = new ChannelOption('LIVENESS_PROBE_MS', 'ms, 0 = never', checkDurationMs)
  /** How long a connection may be half-open without a byte moving before it is closed, in ms (60000; 0: for ever). */
  static readonly HALF_OPEN_TIMEOUT_MS: ChannelOption<number> = new ChannelOption('HALF_OPEN_TIMEOUT_MS', 'ms, 0 = none', checkDurationMs)
  /** Open connections of one server; more are refused (what DESCRIPTOR_HEADROOM leaves). */
  static readonly MAX_CONNECTIONS: ChannelOption<number> = new ChannelOption('MAX_CONNECTIONS', 'connections', checkPositiveInteger)
  /**
   * Descriptors of the process that a server leaves free: a connection that would take one of them is refused (32). Without it the
   * process would run into EMFILE, which libuv hides: clients would be connected and closed without any event. That is what 0 gives.
   */
  static readonly DESCRIPTOR_HEADROOM: ChannelOption<number> = new ChannelOption('DESCRIPTOR_HEADROOM', 'descriptors', checkNonNegativeInteger)
}

function checkBoolean(value: boolean, name: string): void {
  if (typeof value !== 'boolean') throw new IllegalArgumentError(`${name}: ${shown(value)}`)
}

function checkObject(value: object, name: string): void {
  if (typeof value !== 'object' || value === null) throw new IllegalArgumentError(`${name}: ${String(value)}`)
}

function checkZero(value: number, name: string): void {
  if (value !== 0) throw new IllegalArgumentError(`${name}: ${String(value)}`)
}
