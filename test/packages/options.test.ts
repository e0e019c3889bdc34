import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { ProtobufHeadContentDecoder, ProtobufHeadContentEncoder } from '@knotty/codec-protobuf'
import { ByteToMessageDecoderVerifier, chunkedBytes, codecRoundTrip, leakScope, RecordingHandler } from '@knotty/testing'
import * as knotty from 'knotty'
import { bench } from '../../../packages/bench/dist/bench.js'

/** What somebody who comes from Netty, or from memory, may write where the options belong. */
const POSITIONAL: readonly unknown[] = [5, true, 'x', class Message {}]

/** A type of options, and all that takes them: by name, as a call with something in their place. */
type Row = readonly [options: string, takers: Readonly<Record<string, (options: never) => unknown>>]

class Bytes extends knotty.ByteToMessageDecoder {
  protected override decode(): void {}
}
class BytesCodec extends knotty.ByteToMessageCodec {
  protected override decode(): void {}
  protected override encode(): void {}
}
class MessagesCodec extends knotty.MessageToMessageCodec {
  protected override decode(): void {}
  protected override encode(): void {}
}
class Consumer extends knotty.SimpleChannelInboundHandler<string> {
  override channelRead0(): void {}
}
class AddressFilter extends knotty.AbstractRemoteAddressFilter {
  protected override accept(): boolean {
    return true
  }
}

const bootstrap = new knotty.Bootstrap().handler(() => undefined).remoteAddress(9, '127.0.0.1')
const codec = { encoder: () => ({}), decoder: () => new Bytes() }

const ROWS: readonly Row[] = [
  ['AsyncChannelOptions', {
    'new AsyncChannel': (options) => new knotty.AsyncChannel(options),
    'AsyncChannel.wrap': (options) => knotty.AsyncChannel.wrap(new knotty.EmbeddedChannel(), options),
    'AsyncChannel.serve': (options) => knotty.AsyncChannel.serve(() => Promise.resolve(), options),
  }],
  ['BackPressureHandlerOptions', { 'new BackPressureHandler': (options) => new knotty.BackPressureHandler(options) }],
  ['BackoffOptions', { 'new Backoff': (options) => new knotty.Backoff(options) }],
  ['Base64Options', {
    'new Base64Decoder': (options) => new knotty.Base64Decoder(options),
    'new Base64Encoder': (options) => new knotty.Base64Encoder(options),
  }],
  ['BenchOptions', { 'bench': (options) => bench('a case', () => () => 1, options) }],
  ['ByteToMessageCodecOptions', { 'new ByteToMessageCodec': (options) => new BytesCodec(options) }],
  ['ByteToMessageDecoderOptions', { 'new ByteToMessageDecoder': (options) => new Bytes(options) }],
  ['ChannelGroupOptions', { 'new ChannelGroup': (options) => new knotty.ChannelGroup(options) }],
  ['CloseOnErrorHandlerOptions', { 'new CloseOnErrorHandler': (options) => new knotty.CloseOnErrorHandler(options) }],
  ['DecoderVerifierOptions', {
    'new ByteToMessageDecoderVerifier': (options) => new ByteToMessageDecoderVerifier(() => new Bytes(), options),
    'codecRoundTrip': (options) => codecRoundTrip(codec, [], options),
  }],
  ['DelimiterBasedFrameDecoderOptions', { 'new DelimiterBasedFrameDecoder': (options) => new knotty.DelimiterBasedFrameDecoder(options) }],
  ['DrainOptions', { 'drain': (options) => new knotty.LocalServerChannel().drain(options) }],
  ['EmbeddedChannelOptions', { 'EmbeddedChannel.with': (options) => knotty.EmbeddedChannel.with(options) }],
  ['EventLoopGroupOptions', { 'new EventLoopGroup': (options) => new knotty.EventLoopGroup(options) }],
  ['FixedLengthFrameDecoderOptions', { 'new FixedLengthFrameDecoder': (options) => new knotty.FixedLengthFrameDecoder(options) }],
  ['FlowControlHandlerOptions', { 'new FlowControlHandler': (options) => new knotty.FlowControlHandler(options) }],
  ['FlushConsolidationHandlerOptions', { 'new FlushConsolidationHandler': (options) => new knotty.FlushConsolidationHandler(options) }],
  ['HeadContentOptions', {
    'new ProtobufHeadContentDecoder': (options) => new ProtobufHeadContentDecoder(options),
    'new ProtobufHeadContentEncoder': (options) => new ProtobufHeadContentEncoder(options),
  }],
  ['IdleStateHandlerOptions', { 'new IdleStateHandler': (options) => new knotty.IdleStateHandler(options) }],
  ['JsonObjectDecoderOptions', { 'new JsonObjectDecoder': (options) => new knotty.JsonObjectDecoder(options) }],
  ['LeakScopeOptions', { 'leakScope': (options) => leakScope(() => Promise.resolve(), options) }],
  ['LengthFieldBasedFrameDecoderOptions', {
    'new LengthFieldBasedFrameDecoder': (options) => new knotty.LengthFieldBasedFrameDecoder(options),
  }],
  ['LengthFieldPrependerOptions', { 'new LengthFieldPrepender': (options) => new knotty.LengthFieldPrepender(options) }],
  ['LineBasedFrameDecoderOptions', { 'new LineBasedFrameDecoder': (options) => new knotty.LineBasedFrameDecoder(options) }],
  ['LineEncoderOptions', { 'new LineEncoder': (options) => new knotty.LineEncoder(options) }],
  ['LoggingHandlerOptions', { 'new LoggingHandler': (options) => new knotty.LoggingHandler(options) }],
  ['MessageToMessageCodecOptions', { 'new MessageToMessageCodec': (options) => new MessagesCodec(options) }],
  ['PooledByteBufAllocatorOptions', { 'new PooledByteBufAllocator': (options) => new knotty.PooledByteBufAllocator(options) }],
  ['ReadTimeoutHandlerOptions', { 'new ReadTimeoutHandler': (options) => new knotty.ReadTimeoutHandler(options) }],
  ['ReconnectingClientOptions', { 'new ReconnectingClient': (options) => new knotty.ReconnectingClient(bootstrap, options) }],
  ['RecordingHandlerOptions', { 'new RecordingHandler': (options) => new RecordingHandler(options) }],
  ['RemoteAddressFilterOptions', {
    'new AbstractRemoteAddressFilter': (options) => new AddressFilter(options),
    'new UniqueIpFilter': (options) => new knotty.UniqueIpFilter(options),
  }],
  ['RuleBasedIpFilterOptions', { 'new RuleBasedIpFilter': (options) => new knotty.RuleBasedIpFilter(options) }],
  ['ShutdownOptions', { 'shutdownGracefully': (options) => new knotty.EventLoopGroup().shutdownGracefully(options) }],
  ['SignalShutdownOptions', { 'shutdownOnSignal': (options) => knotty.shutdownOnSignal(options) }],
  ['StringDecoderOptions', { 'new StringDecoder': (options) => new knotty.StringDecoder(options) }],
  ['TextOptions', { 'new StringEncoder': (options) => new knotty.StringEncoder(options) }],
  ['Varint32FrameDecoderOptions', { 'new Varint32FrameDecoder': (options) => new knotty.Varint32FrameDecoder(options) }],
  ['WriteTimeoutHandlerOptions', { 'new WriteTimeoutHandler': (options) => new knotty.WriteTimeoutHandler(options) }],
  ['without a name', {
    'chunkedBytes': (options) => chunkedBytes(options),
    'new SimpleChannelInboundHandler': (options) => new Consumer(String, options),
  }],
]

/** Types of options that no constructor and no factory takes. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  AsyncInboundOptions: 'a part of AsyncChannelOptions',
  OperationOptions: 'behind the target of bind and connect, whose arguments are positional',
  TaskOptions: 'behind the times of the methods of an executor',
}

describe('a positional argument in the place of options is refused by', () => {
  for (const [, takers] of ROWS) {
    for (const [name, call] of Object.entries(takers)) {
      test(name, () => {
        for (const value of POSITIONAL) {
          const expected = { name: 'IllegalArgumentError', code: 'ERR_KNOTTY_ILLEGAL_ARGUMENT', message: /^options: / }
          assert.throws(() => call(value as never), expected, `${name}: ${String(value)}`)
        }
      })
    }
  }
})

test('each exported type of options is in the table', () => {
  const packages = path.resolve(import.meta.dirname, '../../../packages')
  const indexes = ['knotty', 'testing', 'codec-protobuf', 'bench'].map((name) => readFileSync(path.join(packages, name, 'src/index.ts'), 'utf8'))
  const exported = new Set(indexes.flatMap((index) => index.match(/\b\w+Options\b/g) ?? []))
  const known = new Set([...ROWS.map(([options]) => options), ...Object.keys(NOT_TAKEN)])
  assert.deepEqual([...exported].filter((name) => !known.has(name)), [], 'exported, and not in the table')
  assert.deepEqual([...known].filter((name) => !exported.has(name)), ['without a name'], 'in the table, and not exported')
})
