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

/** The values. What the hot paths read are fields; the others are kept only once set. */
class OptionValues {
  autoRead = true
  waterMark: WriteBufferWaterMark = DEFAULT_WATER_MARK
  allocator: ByteBufAllocator | undefined = undefined
  allowHalfClosure = false
  copyThresholdBytes = 4096
  others: Map<ChannelOption<unknown>, unknown> | undefined = undefined
}

const DEFAULTS = new OptionValues()

/** The options of one channel. All channels share the defaults until an option is set: 40 bytes in place of 80. */
export class ChannelConfig {
  private readonly channel: ConfiguredChannel
  private values: Readonly<OptionValues> = DEFAULTS

  constructor(channel: ConfiguredChannel) {
    this.channel = channel
  }

  /** AUTO_READ. Setting it from false to true asks for a read. */
  get autoRead(): boolean {
    return this.values.autoRead
  }

  set autoRead(value: boolean) {
    this.setOption(ChannelOption.AUTO_READ, value)
  }

  get writeBufferWaterMark(): WriteBufferWaterMark {
    return this.values.waterMark
  }

  get alloc(): ByteBufAllocator {
    return this.values.allocator ?? PooledByteBufAllocator.DEFAULT
  }

  get allowHalfClosure(): boolean {
    return this.values.allowHalfClosure
  }

  get copyThresholdBytes(): number {
    return this.values.copyThresholdBytes
  }

  get autoClose(): boolean {
    return (this.values.others?.get(ChannelOption.AUTO_CLOSE) as boolean | undefined) ?? true
  }

  get connectTimeoutMillis(): number {
    return (this.values.others?.get(ChannelOption.CONNECT_TIMEOUT_MILLIS) as number | undefined) ?? 30_000
  }

  get writeSpinCount(): number {
    return (this.values.others?.get(ChannelOption.WRITE_SPIN_COUNT) as number | undefined) ?? 16
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
    if (option === ChannelOption.AUTO_READ) return this.autoRead
    if (option === ChannelOption.WRITE_BUFFER_WATER_MARK) return this.writeBufferWaterMark
    if (option === ChannelOption.ALLOCATOR) return this.alloc
    if (option === ChannelOption.ALLOW_HALF_CLOSURE) return this.allowHalfClosure
    if (option === ChannelOption.COPY_THRESHOLD_BYTES) return this.copyThresholdBytes
    if (option === ChannelOption.AUTO_CLOSE) return this.autoClose
    if (option === ChannelOption.CONNECT_TIMEOUT_MILLIS) return this.connectTimeoutMillis
    if (option === ChannelOption.WRITE_SPIN_COUNT) return this.writeSpinCount
    return this.values.others?.get(option)
  }

  private store(option: ChannelOption<unknown>, value: unknown): void {
    if (option === ChannelOption.AUTO_READ) {
      if (this.autoRead === value) return
      this.ownValues().autoRead = value as boolean
      this.channel.autoReadChanged(value as boolean)
    } else if (option === ChannelOption.WRITE_BUFFER_WATER_MARK) this.ownValues().waterMark = value as WriteBufferWaterMark
    else if (option === ChannelOption.ALLOCATOR) this.ownValues().allocator = value as ByteBufAllocator
    else if (option === ChannelOption.ALLOW_HALF_CLOSURE) this.ownValues().allowHalfClosure = value as boolean
    else if (option === ChannelOption.COPY_THRESHOLD_BYTES) this.ownValues().copyThresholdBytes = value as number
    else {
      const values = this.ownValues()
      values.others ??= new Map()
      values.others.set(option, value)
      this.channel.socketOptionChanged(option, value)
    }
  }

  private ownValues(): OptionValues {
    if (this.values === DEFAULTS) this.values = new OptionValues()
    return this.values
  }
}

/** An {@link UnsupportedOptionError} that lists what the class knows, when it does not know `option`. */
export function checkSupported(option: ChannelOption<unknown>, supported: ReadonlySet<ChannelOption<unknown>>, className: string): void {
  if (supported.has(option)) return
  const known = [...supported].map((each) => each.name).join(', ')
  throw new UnsupportedOptionError(`${className} does not know ${option.toString()}; it knows ${known}`)
}
