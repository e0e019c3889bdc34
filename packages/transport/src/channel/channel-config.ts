import { type ByteBufAllocator, PooledByteBufAllocator } from '@knotty/buffer'
import { ChannelOption } from './channel-option.js'
import { UnsupportedOptionError } from './errors.js'
import { DEFAULT_WATER_MARK, type WriteBufferWaterMark } from './write-water-mark.js'

/** What a config needs from its channel: to be told of changes that must act at once. */
export interface ConfiguredChannel {
  /** The options this channel class knows. */
  readonly supportedOptions: ReadonlySet<ChannelOption<unknown>>
  /** AUTO_READ changed. */
  autoReadChanged(autoRead: boolean): void
  /** An option of the socket was set; before there is a socket the channel applies it when it makes one. */
  socketOptionChanged(option: ChannelOption<unknown>, value: unknown): void
}

/** Options every channel class knows. */
export const COMMON_OPTIONS: readonly ChannelOption<unknown>[] = [
  ChannelOption.AUTO_READ,
  ChannelOption.AUTO_CLOSE,
  ChannelOption.CONNECT_TIMEOUT_MILLIS,
  ChannelOption.WRITE_BUFFER_WATER_MARK,
  ChannelOption.WRITE_SPIN_COUNT,
  ChannelOption.ALLOCATOR,
]

/** The options of one channel. What the hot paths read are fields; the others are kept only once set. */
export class ChannelConfig {
  private readonly channel: ConfiguredChannel
  private others: Map<ChannelOption<unknown>, unknown> | undefined = undefined
  private autoReadValue = true
  private waterMark: WriteBufferWaterMark = DEFAULT_WATER_MARK
  private allocator: ByteBufAllocator | undefined = undefined
  private allowHalfClosureValue = false
  private copyThresholdValue = 4096

  constructor(channel: ConfiguredChannel) {
    this.channel = channel
  }

  /** AUTO_READ. Setting it from false to true asks for a read. */
  get autoRead(): boolean {
    return this.autoReadValue
  }

  set autoRead(value: boolean) {
    this.setOption(ChannelOption.AUTO_READ, value)
  }

  get writeBufferWaterMark(): WriteBufferWaterMark {
    return this.waterMark
  }

  get alloc(): ByteBufAllocator {
    return this.allocator ?? PooledByteBufAllocator.DEFAULT
  }

  get allowHalfClosure(): boolean {
    return this.allowHalfClosureValue
  }

  get copyThresholdBytes(): number {
    return this.copyThresholdValue
  }

  get autoClose(): boolean {
    return (this.others?.get(ChannelOption.AUTO_CLOSE) as boolean | undefined) ?? true
  }

  get connectTimeoutMillis(): number {
    return (this.others?.get(ChannelOption.CONNECT_TIMEOUT_MILLIS) as number | undefined) ?? 30_000
  }

  get writeSpinCount(): number {
    return (this.others?.get(ChannelOption.WRITE_SPIN_COUNT) as number | undefined) ?? 16
  }

  /** The value in force; undefined for a socket option that was never set. */
  getOption<T>(option: ChannelOption<T>): T | undefined {
    return this.read(option) as T | undefined
  }

  /** An UnsupportedOptionError when the channel class does not know the option, an IllegalArgumentError when the value is none it takes. */
  setOption<T>(option: ChannelOption<T>, value: T): void {
    checkSupported(option, this.channel.supportedOptions, this.channel.constructor.name)
    option.validate(value)
    this.store(option, value)
  }

  private read(option: ChannelOption<unknown>): unknown {
    if (option === ChannelOption.AUTO_READ) return this.autoReadValue
    if (option === ChannelOption.WRITE_BUFFER_WATER_MARK) return this.waterMark
    if (option === ChannelOption.ALLOCATOR) return this.alloc
    if (option === ChannelOption.ALLOW_HALF_CLOSURE) return this.allowHalfClosureValue
    if (option === ChannelOption.COPY_THRESHOLD_BYTES) return this.copyThresholdValue
    if (option === ChannelOption.AUTO_CLOSE) return this.autoClose
    if (option === ChannelOption.CONNECT_TIMEOUT_MILLIS) return this.connectTimeoutMillis
    if (option === ChannelOption.WRITE_SPIN_COUNT) return this.writeSpinCount
    return this.others?.get(option)
  }

  private store(option: ChannelOption<unknown>, value: unknown): void {
    if (option === ChannelOption.AUTO_READ) {
      if (this.autoReadValue === value) return
      this.autoReadValue = value as boolean
      this.channel.autoReadChanged(value as boolean)
    } else if (option === ChannelOption.WRITE_BUFFER_WATER_MARK) this.waterMark = value as WriteBufferWaterMark
    else if (option === ChannelOption.ALLOCATOR) this.allocator = value as ByteBufAllocator
    else if (option === ChannelOption.ALLOW_HALF_CLOSURE) this.allowHalfClosureValue = value as boolean
    else if (option === ChannelOption.COPY_THRESHOLD_BYTES) this.copyThresholdValue = value as number
    else {
      this.others ??= new Map()
      this.others.set(option, value)
      this.channel.socketOptionChanged(option, value)
    }
  }
}

/** An {@link UnsupportedOptionError} that lists what the class knows, when it does not know `option`. */
export function checkSupported(option: ChannelOption<unknown>, supported: ReadonlySet<ChannelOption<unknown>>, className: string): void {
  if (supported.has(option)) return
  const known = [...supported].map((each) => each.name).join(', ')
  throw new UnsupportedOptionError(`${className} does not know ${option.toString()}; it knows ${known}`)
}
