import assert from 'node:assert/strict'
import { Unpooled } from '@knotty/buffer'
import { setLogger } from '@knotty/common'
import { type ChannelHandlerContext, ChannelOption, type ChannelPromise } from '@knotty/transport'
import { GrantedChannel } from './granted-channel.js'
import { javaNameOf } from './java-names.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

type Op = readonly [name: string, ...args: readonly any[]]
type LogEntry = readonly unknown[]

interface State {
  readonly writable: boolean
  readonly pending: string | null
  readonly bytesBeforeUnwritable: string
  readonly bytesBeforeWritable: string
  readonly flushedMessages: number | null
}

interface OutboundCase extends VectorCase {
  readonly config: {
    readonly low?: number
    readonly high?: number
    /** Bytes granted at first; -1 = unlimited. */
    readonly accept: number
    readonly react?: { readonly writable?: readonly Op[]; readonly unwritable?: readonly Op[] }
  }
  readonly initial: State
  readonly steps: readonly { readonly op: Op; readonly log: readonly LogEntry[]; readonly state: State }[]
}

/** Java's Long.MAX_VALUE, what a closed channel gives for bytesBeforeWritable, is the largest safe integer here. */
function decimal(value: number): string {
  return value === Number.MAX_SAFE_INTEGER ? '9223372036854775807' : String(value)
}

/** One case while it is played. */
class Play {
  private readonly channel: GrantedChannel
  private readonly promises: ChannelPromise[] = []
  private readonly log: LogEntry[] = []
  /** What is left to run from inside channelWritabilityChanged. */
  private readonly reactions: { writable?: readonly Op[]; unwritable?: readonly Op[] }

  constructor({ low, high, accept, react }: OutboundCase['config']) {
    this.channel = new GrantedChannel(accept === -1 ? Number.POSITIVE_INFINITY : accept)
    this.reactions = { ...react }
    if (low !== undefined || high !== undefined) {
      this.channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: low ?? 32768, high: high ?? 65536 })
    }
    this.channel.pipeline.addLast({
      channelWritabilityChanged: () => this.writabilityChanged(),
      channelInactive: () => void this.log.push(['inactive']),
      exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void this.log.push(['exceptionCaught', javaNameOf(cause)]),
    })
  }

  step(op: Op): { op: Op; log: LogEntry[]; state: State } {
    this.operate(op)
    this.channel.runPendingTasks()
    return { op, log: this.log.splice(0), state: this.state() }
  }

  state(): State {
    const { channel } = this
    const buffer = channel.outboundBuffer
    return {
      writable: channel.isWritable,
      pending: buffer === undefined ? null : decimal(buffer.totalPendingWriteBytes),
      bytesBeforeUnwritable: decimal(channel.bytesBeforeUnwritable),
      bytesBeforeWritable: decimal(channel.bytesBeforeWritable),
      flushedMessages: buffer === undefined ? null : buffer.size,
    }
  }

  private operate([name, ...args]: Op): void {
    const { channel } = this
    switch (name) {
      case 'write':
        return this.write(Unpooled.wrappedBuffer(new Uint8Array(args[0])))
      case 'writeObject':
        return this.write({})
      case 'flush':
        return void channel.flush()
      case 'accept':
        return channel.accept(args[0])
      case 'waterMark':
        return this.logThrown(() => channel.config.setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, { low: args[0], high: args[1] }))
      case 'userWritable':
        return this.logThrown(() => channel.outboundBuffer?.setUserDefinedWritability(args[0], args[1]))
      case 'cancel':
        return void this.log.push(['cancel', args[0], this.promises[args[0]]!.cancel()])
      case 'failNextFlush':
        channel.failNextWrite = true
        return
      case 'close':
        return void channel.close()
      default:
        throw new Error(`unknown operation ${name}`)
    }
  }

  private write(msg: unknown): void {
    const number = this.promises.length
    const promise = this.channel.newPromise()
    this.promises.push(promise)
    promise.addListener(({ isSuccess, isCancelled, cause }) => {
      this.log.push(['promise', number, isSuccess ? 'success' : isCancelled ? 'cancelled' : { ex: javaNameOf(cause) }])
    })
    this.channel.write(msg, promise)
  }

  private logThrown(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.log.push(['threw', javaNameOf(error)])
    }
  }

  private writabilityChanged(): void {
    const writable = this.channel.isWritable
    this.log.push(['writabilityChanged', writable])
    const kind = writable ? 'writable' : 'unwritable'
    const reaction = this.reactions[kind] ?? []
    delete this.reactions[kind]
    for (const op of reaction) this.operate(op)
  }
}

const silent = (): void => {}

function run(vector: OutboundCase): void {
  setLogger({ debug: silent, info: silent, warn: silent, error: silent })
  try {
    const play = new Play(vector.config)
    assert.deepEqual(play.state(), vector.initial, 'at first')
    vector.steps.forEach((step, k) => assert.deepEqual(play.step(step.op), step, `step ${k}, ${step.op.join(' ')}`))
  } finally {
    setLogger(undefined)
  }
}

testVectorFile<OutboundCase>({ file: 'outbound-buffer', listed: {}, expectationKeys: ['initial', 'log', 'state'], run })
