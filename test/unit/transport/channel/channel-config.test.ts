import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteBufAllocator, PooledByteBufAllocator } from '@knotty/buffer'
import { type ChannelHandlerContext, ChannelOption, EmbeddedChannel } from '@knotty/transport'

describe('options', () => {
  test('have defaults, and give back what was set', () => {
    const { config } = new EmbeddedChannel()
    const options = [
      [ChannelOption.AUTO_READ, true, false],
      [ChannelOption.AUTO_CLOSE, true, false],
      [ChannelOption.CONNECT_TIMEOUT_MILLIS, 30_000, 5],
      [ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 32768, high: 65536 }, { low: 1, high: 2 }],
      [ChannelOption.WRITE_SPIN_COUNT, 16, 1],
      [ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT, ByteBufAllocator.DEFAULT],
    ] as readonly (readonly [ChannelOption<unknown>, unknown, unknown])[]
    for (const [option, byDefault, other] of options) {
      assert.deepEqual(config.getOption(option), byDefault, option.name)
      config.setOption(option, other)
      assert.equal(config.getOption(option), other, option.name)
    }
    assert.deepEqual([config.autoRead, config.autoClose, config.connectTimeoutMillis, config.writeSpinCount], [false, false, 5, 1])
  })

  test('that are set on one channel are those of no other', () => {
    const [one, other] = [new EmbeddedChannel(), new EmbeddedChannel()]
    one.config.setOption(ChannelOption.AUTO_READ, false)
    one.config.setOption(ChannelOption.WRITE_SPIN_COUNT, 3)
    assert.deepEqual([one.config.autoRead, one.config.writeSpinCount], [false, 3])
    for (const { config } of [other, new EmbeddedChannel()]) assert.deepEqual([config.autoRead, config.writeSpinCount], [true, 16])
  })

  test('one the channel class does not know is an error that lists what it knows', () => {
    assert.throws(() => new EmbeddedChannel().config.setOption(ChannelOption.TCP_NODELAY, true), {
      name: 'UnsupportedOptionError',
      code: 'ERR_KNOTTY_UNSUPPORTED_OPTION',
      message:
        'EmbeddedChannel does not know ChannelOption.TCP_NODELAY; it knows AUTO_READ, AUTO_CLOSE, CONNECT_TIMEOUT_MILLIS, ' +
        'WRITE_BUFFER_WATER_MARK, WRITE_SPIN_COUNT, ALLOCATOR',
    })
  })

  const bad: readonly (readonly [ChannelOption<any>, unknown, RegExp])[] = [
    [ChannelOption.AUTO_READ, 1, /^AUTO_READ \(true or false\): 1$/],
    [ChannelOption.CONNECT_TIMEOUT_MILLIS, -1, /^CONNECT_TIMEOUT_MILLIS \(ms, 0 = none\): -1 /],
    [ChannelOption.CONNECT_TIMEOUT_MILLIS, Number.NaN, /^CONNECT_TIMEOUT_MILLIS \(ms, 0 = none\): NaN /],
    [ChannelOption.WRITE_SPIN_COUNT, 0, /^WRITE_SPIN_COUNT \(requests\): 0 /],
    [ChannelOption.WRITE_BUFFER_WATER_MARK, { low: 2, high: 1 }, /^WRITE_BUFFER_WATER_MARK \(bytes \{ low, high \}\): .* high: 1 \} /],
    [ChannelOption.WRITE_BUFFER_WATER_MARK, { low: -1, high: 1 }, /low: -1/],
    [ChannelOption.WRITE_BUFFER_WATER_MARK, 65536, /^WRITE_BUFFER_WATER_MARK \(bytes \{ low, high \}\): 65536$/],
    [ChannelOption.ALLOCATOR, null, /^ALLOCATOR \(a ByteBufAllocator\): null$/],
  ]
  for (const [option, value, message] of bad) {
    test(`${option.name} refuses ${JSON.stringify(value)}, naming option, unit and value`, () => {
      const { config } = new EmbeddedChannel()
      const before = config.getOption(option)
      assert.throws(() => config.setOption(option, value), { name: 'IllegalArgumentError', message })
      assert.equal(config.getOption(option), before)
    })
  }

  test('print their names', () => {
    assert.equal(String(ChannelOption.SO_BACKLOG), 'ChannelOption.SO_BACKLOG')
  })
})

describe('autoRead', () => {
  function countingReads(): { channel: EmbeddedChannel; reads: () => number } {
    let count = 0
    const channel = new EmbeddedChannel({ read: (ctx: ChannelHandlerContext) => (count++, ctx.read()) })
    count = 0
    return { channel, reads: () => count }
  }

  test('from false to true asks for a read; setting what it is does not', () => {
    const { channel, reads } = countingReads()
    channel.config.autoRead = true
    assert.equal(reads(), 0)
    channel.config.autoRead = false
    assert.equal(reads(), 0)
    channel.config.autoRead = true
    assert.equal(reads(), 1)
  })

  test('off: channelReadComplete asks for no read', () => {
    const { channel, reads } = countingReads()
    channel.config.autoRead = false
    channel.writeInbound('a')
    assert.equal(reads(), 0)
    channel.read()
    assert.equal(reads(), 1)
  })
})
