import assert from 'node:assert/strict'
import { AttributeKey, RejectedExecutionError } from '@knotty/common'
import {
  type ChannelHandlerContext,
  ChannelOption,
  ChannelPipelineError,
  DefaultChannelPromise,
  EventLoopGroup,
  RegistrationTimeoutError,
} from '@knotty/transport'
import { type AcceptRun, Echo } from '../support/accept-run.js'
import type { AcceptExit } from './accept-exit.js'

export const NO_CHANNEL = 'no channel could be made'
const SETUP_FAILED = 'its handler, options or attributes could not be set'
export const REGISTRATION_FAILED = 'the registration failed'
const INITIALIZER_FAILED = 'the initializer failed'
const TIMED_OUT = 'the registration timed out'
const terminated = new EventLoopGroup()
await terminated.shutdownGracefully({ quietPeriodMs: 0 })
const KEY = new AttributeKey<string>('accept-exit')

/** Children fail when told to: in their constructor, or when a method is called. */
export function makeChildren(run: AcceptRun, step: 'constructor' | 'socketOptionChanged' | 'attr' | 'doRegister'): void {
  const make = run.channel.make.bind(run.channel)
  run.channel.make = (socket, guard) => {
    const child = make(socket, guard)
    if (step === 'constructor') run.fault.hit()
    else failAt(child, step, run)
    return child
  }
}

function failAt(child: object, method: string, run: AcceptRun): void {
  const original: unknown = Reflect.get(child, method)
  assert.ok(typeof original === 'function')
  Reflect.set(child, method, (...args: unknown[]): unknown => {
    run.fault.hit()
    return original.apply(child, args)
  })
}

/** Children go to a group that is on its way out while the fault is on. */
function registerAt(run: AcceptRun, dying: EventLoopGroup): void {
  run.bootstrap.group(run.group, { register: (child) => (run.fault.on ? dying : run.group).register(child) })
}

function isTimeout(cause: Error): void {
  assert.ok(cause instanceof RegistrationTimeoutError)
  assert.match(cause.message, /REGISTRATION_TIMEOUT_MS/)
}

/** Exits 1 to 7: what the server itself does with a connection until it is registered. */
export const setupExits: readonly AcceptExit[] = [
  {
    name: '1 the channel constructor throws',
    closedBy: 'guard',
    reason: NO_CHANNEL,
    setUp: (run) => makeChildren(run, 'constructor'),
  },
  {
    name: '2 a child option throws when it is applied',
    closedBy: 'guard',
    reason: SETUP_FAILED,
    setUp(run) {
      makeChildren(run, 'socketOptionChanged')
      run.bootstrap.childOption(ChannelOption.TCP_NODELAY, true)
    },
  },
  {
    name: '2 a child attribute throws when it is set',
    closedBy: 'guard',
    reason: SETUP_FAILED,
    setUp(run) {
      makeChildren(run, 'attr')
      run.bootstrap.childAttr(KEY, 'value')
    },
  },
  {
    name: '3 childHandler throws when it is added',
    closedBy: 'guard',
    reason: SETUP_FAILED,
    setUp(run) {
      const echo = new Echo()
      run.bootstrap.childHandler({
        isSharable: true,
        get channelActive() {
          run.fault.hit()
          return (ctx: ChannelHandlerContext): void => void ctx.fireChannelActive()
        },
        channelRead: (ctx, msg) => echo.channelRead(ctx, msg),
      })
    },
  },
  {
    name: '3 childHandler is a handler instance that is not sharable, used again',
    closedBy: 'guard',
    reason: SETUP_FAILED,
    cause(cause) {
      assert.ok(cause instanceof ChannelPipelineError)
      assert.equal(cause.code, 'ERR_KNOTTY_HANDLER_NOT_SHARABLE')
    },
    alsoLogs: /^childHandler is one SharableOnceRepaired instance that is not sharable/,
    setUp(run) {
      class SharableOnceRepaired extends Echo {
        get isSharable(): boolean {
          return !run.fault.on
        }
      }
      run.bootstrap.childHandler(new SharableOnceRepaired())
    },
    async bound(run) {
      const warnings = run.logged.filter(({ message }) => message.startsWith('childHandler is one'))
      assert.equal(warnings.length, 1, 'warned about once, at bind')
      assert.equal(await run.echo(), 'ping', 'the first connection gets the instance')
      run.accepted.length = 0
    },
  },
  {
    name: '4 the initializer throws',
    closedBy: 'guard',
    reason: INITIALIZER_FAILED,
    setUp(run) {
      run.bootstrap.childHandler((ch) => {
        run.fault.hit()
        ch.pipeline.addLast(new Echo())
      })
    },
  },
  {
    name: "4 the initializer's promise rejects",
    closedBy: 'guard',
    reason: INITIALIZER_FAILED,
    setUp(run) {
      run.bootstrap.childHandler(async (ch) => {
        await new Promise((resolve) => setImmediate(resolve))
        run.fault.hit()
        ch.pipeline.addLast(new Echo())
      })
    },
  },
  {
    name: '5 the loop is shutting down',
    closedBy: 'guard',
    reason: REGISTRATION_FAILED,
    cause: (cause) => assert.ok(cause instanceof RejectedExecutionError),
    setUp(run) {
      const dying = new EventLoopGroup()
      void dying.shutdownGracefully({ quietPeriodMs: 2000 })
      assert.ok(dying.isShuttingDown && !dying.isTerminated)
      registerAt(run, dying)
    },
  },
  {
    name: '5 the loop is shut down',
    closedBy: 'guard',
    reason: REGISTRATION_FAILED,
    cause: (cause) => assert.ok(cause instanceof RejectedExecutionError),
    setUp: (run) => registerAt(run, terminated),
  },
  {
    name: '6 the registration fails in a later task',
    closedBy: 'guard',
    reason: REGISTRATION_FAILED,
    setUp(run) {
      run.bootstrap.group(run.group, {
        register(child) {
          if (!run.fault.on) return run.group.register(child)
          const promise = new DefaultChannelPromise(child)
          run.group.execute(() => promise.setFailure(run.fault.error))
          return promise
        },
      })
    },
  },
  {
    name: '6 the channel itself fails to register',
    closedBy: 'guard',
    reason: REGISTRATION_FAILED,
    setUp: (run) => makeChildren(run, 'doRegister'),
  },
  {
    name: '7 the registration never completes',
    closedBy: 'guard',
    reason: TIMED_OUT,
    cause: isTimeout,
    setUp(run) {
      run.bootstrap.option(ChannelOption.REGISTRATION_TIMEOUT_MS, 100).group(run.group, {
        register: (child) => (run.fault.on ? new DefaultChannelPromise(child) : run.group.register(child)),
      })
    },
  },
  {
    name: '7 an async initializer never settles',
    closedBy: 'guard',
    reason: TIMED_OUT,
    cause: isTimeout,
    setUp(run) {
      run.bootstrap.option(ChannelOption.REGISTRATION_TIMEOUT_MS, 100).childHandler(async (ch) => {
        ch.pipeline.addLast(new Echo())
        if (run.fault.on) await new Promise(() => undefined)
      })
    },
  },
]
