import assert from 'node:assert/strict'
import { setLogger } from '@knotty/common'
import {
  type Channel,
  type ChannelFuture,
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelInitializer,
  type ChannelPipeline,
  type ChannelPromise,
  EmbeddedChannel,
  LocalSocketAddress,
} from '@knotty/transport'
import { JavaError } from './java-names.js'
import { type Action, type HandlerSpec, type LogEntry, type PipelineCase, type Step, notationOf, outcomeOf } from './pipeline-case.js'
import { testVectorFile } from './vector-file.js'

const LIFECYCLE = ['handlerAdded', 'handlerRemoved']
const INBOUND = (
  'channelRegistered channelUnregistered channelActive channelInactive channelRead channelReadComplete userEventTriggered ' +
  'channelWritabilityChanged exceptionCaught'
).split(' ')
const OUTBOUND = 'bind connect disconnect close deregister read write flush'.split(' ')
const EDITS = new Set(['addFirst', 'addLast', 'addBefore', 'addAfter', 'replace'])
const SHOWN_ARGUMENT = new Set(['channelRead', 'userEventTriggered', 'exceptionCaught', 'write'])

/** Plays what `spec.on` says for each event that its class overrides. */
class ScriptedHandler implements ChannelHandler {
  readonly isSharable: boolean
  readonly spec: HandlerSpec
  private readonly play: Play
  private readonly seen = new Map<string, number>()

  constructor(play: Play, spec: HandlerSpec) {
    this.play = play
    this.spec = spec
    this.isSharable = spec.sharable ?? false
  }

  onEvent(ctx: ChannelHandlerContext, event: string, args: readonly unknown[]): void {
    const shown = event === 'exceptionCaught' ? notationOf(args[0]) : args[0]
    this.play.log.push(SHOWN_ARGUMENT.has(event) ? [ctx.name, event, shown] : [ctx.name, event])
    const script = this.spec.on?.[event]
    const times = this.seen.get(event) ?? 0
    this.seen.set(event, times + 1)
    if (script === undefined || (script.times !== undefined && times >= script.times)) forward(ctx, event, args)
    else this.play.act({ handler: this, ctx, event, args }, script.do)
  }

  /** A subclass that overrides exactly these events. */
  static overriding(events: readonly string[]): typeof ScriptedHandler {
    const subclass = class extends ScriptedHandler {}
    for (const event of events) {
      Object.defineProperty(subclass.prototype, event, {
        value(this: ScriptedHandler, ctx: ChannelHandlerContext, ...args: readonly unknown[]): void {
          this.onEvent(ctx, event, args)
        },
      })
    }
    return subclass
  }
}

const handlerClasses = {
  inbound: ScriptedHandler.overriding([...LIFECYCLE, ...INBOUND]),
  outbound: ScriptedHandler.overriding([...LIFECYCLE, ...OUTBOUND]),
  duplex: ScriptedHandler.overriding([...LIFECYCLE, ...INBOUND, ...OUTBOUND]),
}

class ScriptedInitializer extends ChannelInitializer {
  readonly spec: HandlerSpec
  private readonly play: Play

  constructor(play: Play, spec: HandlerSpec) {
    super()
    this.play = play
    this.spec = spec
  }

  protected override initChannel(channel: Channel): void {
    this.play.log.push([this.spec.name, 'initChannel'])
    for (const added of this.spec.adds ?? []) this.play.edit(channel.pipeline, 'addLast', [added])
    if (this.spec.throw !== undefined) throw new JavaError('RuntimeException', this.spec.throw)
  }
}

/** Passes an event on with the arguments it came with. */
function forward(ctx: ChannelHandlerContext, event: string, args: readonly unknown[]): void {
  if (LIFECYCLE.includes(event)) return
  const method = OUTBOUND.includes(event) ? event : `fire${event[0]!.toUpperCase()}${event.slice(1)}`
  ;(ctx as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[method]!(...args)
}

/** Where an action runs. */
interface Place {
  readonly handler: ScriptedHandler
  readonly ctx: ChannelHandlerContext
  readonly event: string
  readonly args: readonly unknown[]
}

/** One case while it is played. */
class Play {
  readonly log: LogEntry[] = []
  private readonly channel: EmbeddedChannel
  private readonly made = new Map<string, ChannelHandler>()
  /** Tags whose future waits; the completion of one of several with the same tag takes the tag out. */
  private readonly pending = new Set<string>()
  /** An operation that this file does not know: no error of the case, even where one is expected. */
  private unknown: Error | undefined

  constructor(options: PipelineCase['channel']) {
    this.channel = EmbeddedChannel.with({ register: options.register ?? true, hasDisconnect: options.hasDisconnect ?? false })
    if (options.autoRead !== undefined) this.channel.config.autoRead = options.autoRead
  }

  setup(specs: readonly HandlerSpec[]): PipelineCase['setup'] {
    for (const spec of specs) this.edit(this.channel.pipeline, 'addLast', [spec])
    return { log: this.log.splice(0), names: this.channel.pipeline.names }
  }

  step(op: Step['op']): Step {
    let result: unknown = null
    try {
      result = this.operate(op[0], op.slice(1)) ?? null
    } catch (error) {
      result = { ex: notationOf(error) }
    }
    const unhandled = this.unhandled()
    if (this.unknown !== undefined) throw this.unknown
    const inbound = this.channel.inboundMessages.splice(0)
    const outbound = this.channel.outboundMessages.splice(0)
    return {
      op,
      result,
      log: this.log.splice(0),
      ...(unhandled === undefined ? {} : { unhandled }),
      ...(inbound.length === 0 ? {} : { inbound }),
      ...(outbound.length === 0 ? {} : { outbound }),
      names: this.channel.pipeline.names,
    }
  }

  end(): PipelineCase['end'] {
    return {
      pendingFutures: [...this.pending],
      open: this.channel.isOpen,
      active: this.channel.isActive,
      registered: this.channel.isRegistered,
    }
  }

  act(place: Place, actions: readonly Action[]): void {
    for (const [name, ...args] of actions) this.action(place, name, args)
  }

  /** `addLast spec`, `addBefore base spec`, `replace old spec` and so on. */
  edit(pipeline: ChannelPipeline, name: string, args: readonly any[]): void {
    if (!EDITS.has(name)) throw this.unknownOperation(name)
    const spec = args.at(-1) as HandlerSpec
    const handler = this.handlerFor(spec)
    if (name === 'addFirst' || name === 'addLast') pipeline[name](spec.name, handler)
    else if (name === 'addBefore' || name === 'addAfter') pipeline[name](args[0], spec.name, handler)
    else pipeline.replace(args[0], spec.name, handler)
  }

  private unknownOperation(name: string): Error {
    this.unknown ??= new Error(`unknown operation ${name}`)
    return this.unknown
  }

  private handlerFor(spec: HandlerSpec): ChannelHandler {
    if (spec.same !== undefined) return this.madeAs(spec.same)
    const handler = spec.type === 'initializer' ? new ScriptedInitializer(this, spec) : new handlerClasses[spec.type](this, spec)
    this.made.set(spec.name, handler)
    return handler
  }

  private madeAs(name: string): ChannelHandler {
    const handler = this.made.get(name)
    assert.ok(handler, `no handler was made as ${name}`)
    return handler
  }

  private watch(tag: string, future: ChannelFuture): void {
    this.pending.add(tag)
    future.addListener(() => {
      this.pending.delete(tag)
      this.log.push(['#future', tag, outcomeOf(future)])
    })
  }

  private unhandled(): string | undefined {
    try {
      this.channel.checkException()
      return undefined
    } catch (error) {
      return notationOf(error)
    }
  }

  private action(place: Place, name: string, args: readonly any[]): void {
    const { ctx } = place
    const pipeline = ctx.pipeline
    const promise = place.args.at(-1) as ChannelPromise
    const tag = [name, ...args].join(' ')
    switch (name) {
      case 'forward':
        return forward(ctx, place.event, place.args)
      case 'forwardAs':
        return forward(ctx, place.event, [args[0], ...place.args.slice(1)])
      case 'throw':
        throw new JavaError(args[0], args[1])
      case 'remove':
        return void pipeline.remove(args[0] as string)
      case 'removeSelf':
        return void pipeline.remove(place.handler)
      case 'addLast':
      case 'addFirst':
      case 'addBefore':
      case 'addAfter':
      case 'replace':
        return this.edit(pipeline, name, args)
      case 'fireRead':
        return void ctx.fireChannelRead(args[0])
      case 'fireReadComplete':
        return void ctx.fireChannelReadComplete()
      case 'fireUserEvent':
        return void ctx.fireUserEventTriggered(args[0])
      case 'fireException':
        return void ctx.fireExceptionCaught(new JavaError(args[0], args[1]))
      case 'pipelineFireRead':
        return void pipeline.fireChannelRead(args[0])
      case 'pipelineFireUserEvent':
        return void pipeline.fireUserEventTriggered(args[0])
      case 'ctxWrite':
        return this.watch(tag, ctx.write(args[0]))
      case 'ctxWriteAndFlush':
        return this.watch(tag, ctx.writeAndFlush(args[0]))
      case 'ctxFlush':
        return void ctx.flush()
      case 'ctxRead':
        return void ctx.read()
      case 'ctxClose':
        return this.watch(tag, ctx.close())
      case 'channelWrite':
        return this.watch(tag, ctx.channel.write(args[0]))
      case 'channelWriteAndFlush':
        return this.watch(tag, ctx.channel.writeAndFlush(args[0]))
      case 'channelFlush':
        return void ctx.channel.flush()
      case 'channelClose':
        return this.watch(tag, ctx.channel.close())
      case 'execute':
        return ctx.eventLoop.execute(() => {
          this.log.push([ctx.name, '#task'])
          this.act(place, args[0])
        })
      case 'promiseSuccess':
        return void promise.setSuccess()
      case 'promiseFail':
        return void promise.setFailure(new JavaError(args[0], args[1]))
      case 'promiseTrySuccess':
        return void this.log.push([ctx.name, '#trySuccess', promise.trySuccess()])
      case 'listen':
        return void promise.addListener((future) => this.log.push([ctx.name, '#listener', outcomeOf(future)]))
      case 'logRemoved':
        return void this.log.push([ctx.name, '#isRemoved', ctx.isRemoved])
      default:
        throw this.unknownOperation(name)
    }
  }

  private operate(name: string, args: readonly any[]): unknown {
    const { channel } = this
    const { pipeline } = channel
    const tag = [name, ...args].join(' ')
    switch (name) {
      case 'writeInbound':
        return channel.writeInbound(...args)
      case 'writeOutbound':
        return channel.writeOutbound(...args)
      case 'finish':
        return channel.finish()
      case 'fireChannelRead':
        return void pipeline.fireChannelRead(args[0])
      case 'fireReadComplete':
        return void pipeline.fireChannelReadComplete()
      case 'fireUserEvent':
        return void pipeline.fireUserEventTriggered(args[0])
      case 'fireException':
        return void pipeline.fireExceptionCaught(new JavaError(args[0], args[1]))
      case 'write':
      case 'writeAndFlush':
        return this.watch(tag, channel[name](args[0]))
      case 'close':
      case 'disconnect':
      case 'deregister':
        return this.watch(tag, channel[name]())
      case 'connect':
      case 'bind':
        return this.watch(tag, channel[name](new LocalSocketAddress('anywhere')))
      case 'flush':
      case 'read':
      case 'register':
      case 'runPendingTasks':
        return void channel[name]()
      case 'autoRead':
        return void (channel.config.autoRead = args[0])
      case 'remove':
        return void pipeline.remove(args[0] as string)
      case 'removeInstance':
        return void pipeline.remove(this.madeAs(args[0]))
      case 'removeFirst':
      case 'removeLast':
        return (pipeline[name]() as ScriptedHandler).spec.name
      case 'contextFireRead':
        return void pipeline.context(args[0])!.fireChannelRead(args[1])
      case 'contextFireUserEvent':
        return void pipeline.context(args[0])!.fireUserEventTriggered(args[1])
      case 'contextWriteAndFlush':
        return this.watch(`${name} ${args[1]}`, pipeline.context(args[0])!.writeAndFlush(args[1]))
      case 'get':
        return pipeline.get(args[0]) !== undefined
      default:
        return this.edit(pipeline, name, args)
    }
  }
}

const silent = (): void => {}

function run(vector: PipelineCase): void {
  setLogger({ debug: silent, info: silent, warn: silent, error: silent })
  try {
    const play = new Play(vector.channel)
    assert.deepEqual(play.setup(vector.handlers), vector.setup, 'setup')
    vector.steps.forEach((step, k) => assert.deepEqual(play.step(step.op), step, `step ${k}, ${step.op.join(' ')}`))
    assert.deepEqual(play.end(), vector.end, 'end')
  } finally {
    setLogger(undefined)
  }
}

testVectorFile<PipelineCase>({
  file: 'pipeline-events',
  listed: {},
  expectationKeys: ['log', 'result', 'unhandled', 'inbound', 'outbound', 'names', 'end'],
  run,
})
