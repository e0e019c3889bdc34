import assert from 'node:assert/strict'
import { Unpooled } from '@knotty/buffer'
import { IdleStateEvent, IdleStateHandler, ReadTimeoutHandler } from '@knotty/handler'
import type { ChannelHandler, ChannelHandlerContext } from '@knotty/transport'
import { GrantedChannel } from './granted-channel.js'
import { JavaError, javaNameOf } from './java-names.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

type Op = readonly [name: string, number?: number]

interface IdleConfig {
  readonly observeOutput: boolean
  readonly reader: number
  readonly writer: number
  readonly all: number
  /** The transport takes only what `accept` grants. */
  readonly slow?: boolean
  /** What the application does at each event of that state. */
  readonly onIdle?: readonly [state: string, what: 'write' | 'close' | 'throw', bytes?: number]
}

interface IdleCase extends VectorCase {
  readonly config: IdleConfig | { readonly readTimeout: number }
  readonly steps: readonly { readonly op: Op; readonly time: number; readonly log: readonly (readonly unknown[])[] }[]
  readonly scheduledTasksAtEnd: number
}

/** One case while it is played. */
class Play {
  private readonly channel: GrantedChannel
  private readonly handler: ChannelHandler
  private readonly start: number
  private log: unknown[][] = []

  constructor(config: IdleCase['config']) {
    const slow = !('readTimeout' in config) && config.slow === true
    this.channel = new GrantedChannel(slow ? 0 : Number.POSITIVE_INFINITY)
    this.channel.freezeTime()
    this.start = this.channel.eventLoop.ticker.now()
    this.handler = newHandler(config)
    const onIdle = 'readTimeout' in config ? undefined : config.onIdle
    this.channel.pipeline.addLast(this.handler, {
      userEventTriggered: (ctx: ChannelHandlerContext, event: unknown) => this.idle(ctx, event as IdleStateEvent, onIdle),
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void this.log.push([this.time, 'exception', javaNameOf(cause)]),
      channelInactive: () => void this.log.push([this.time, 'inactive']),
    })
  }

  get scheduledTasks(): number {
    return this.channel.embeddedEventLoop.scheduledTasks
  }

  step(op: Op): unknown {
    this.operate(op)
    this.channel.runPendingTasks()
    return { op, time: this.time, log: this.log.splice(0) }
  }

  private get time(): number {
    return this.channel.eventLoop.ticker.now() - this.start
  }

  private operate([name, count = 0]: Op): void {
    const { channel } = this
    const { pipeline } = channel
    switch (name) {
      case 'advance':
        return channel.advanceTimeBy(count)
      case 'read':
        pipeline.fireChannelRead('message')
        return void pipeline.fireChannelReadComplete()
      case 'readStart':
        return void pipeline.fireChannelRead('message')
      case 'readComplete':
        return void pipeline.fireChannelReadComplete()
      case 'write':
        return void channel.write(bytes(count), null)
      case 'writeAndFlush':
        return void channel.writeAndFlush(bytes(count), null)
      case 'flush':
        return void channel.flush()
      case 'accept':
        return channel.accept(count)
      case 'remove':
        return void pipeline.remove(this.handler)
      case 'close':
        return void channel.close()
      default:
        throw new Error(`unknown operation ${name}`)
    }
  }

  private idle(ctx: ChannelHandlerContext, event: IdleStateEvent, onIdle: IdleConfig['onIdle']): void {
    assert.ok(event instanceof IdleStateEvent)
    this.log.push([this.time, event.state, event.isFirst])
    if (onIdle === undefined || event.state !== onIdle[0]) return
    if (onIdle[1] === 'write') ctx.writeAndFlush(bytes(onIdle[2] ?? 0), null)
    else if (onIdle[1] === 'close') ctx.close()
    else throw new JavaError('IllegalStateException', 'thrown by the application')
  }
}

function newHandler(config: IdleCase['config']): ChannelHandler {
  if ('readTimeout' in config) return new ReadTimeoutHandler({ timeoutMs: config.readTimeout })
  const { observeOutput, reader, writer, all } = config
  return new IdleStateHandler({ observeOutput, readerIdleMs: reader, writerIdleMs: writer, allIdleMs: all })
}

function bytes(count: number): unknown {
  return Unpooled.wrappedBuffer(new Uint8Array(count))
}

function run(vector: IdleCase): void {
  const play = new Play(vector.config)
  vector.steps.forEach((step, k) => assert.deepEqual(play.step(step.op), step, `step ${k}, ${step.op.join(' ')}`))
  assert.equal(play.scheduledTasks, vector.scheduledTasksAtEnd, 'scheduled tasks at the end')
}

testVectorFile<IdleCase>({ file: 'idle-state', listed: {}, expectationKeys: ['time', 'log', 'scheduledTasksAtEnd'], run })
