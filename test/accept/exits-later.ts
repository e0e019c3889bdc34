import assert from 'node:assert/strict'
import {
  type ChannelHandler,
  type ChannelHandlerContext,
  ChannelOption,
  ChannelPipelineError,
  ChannelStateError,
  ClosedChannelError,
  DefaultChannelPromise,
  RegistrationTimeoutError,
} from '@knotty/transport'
import { type AcceptRun, Echo } from '../support/accept-run.js'
import type { AcceptExit } from './accept-exit.js'

const SERVER_CLOSED = 'the server was closed meanwhile'
const HANDLER_THREW = 'a handler threw before the channel was registered'
const TIMED_OUT = 'the registration timed out'

/** A handler of the server's pipeline that does this with each child while the fault is on. */
function onServer(run: AcceptRun, channelRead: (ctx: ChannelHandlerContext, child: unknown) => void): void {
  run.bootstrap.handler({
    channelRead(ctx, child) {
      if (run.fault.on) channelRead(ctx, child)
      else ctx.fireChannelRead(child)
    },
  } satisfies ChannelHandler)
}

const late = new WeakMap<AcceptRun, (() => void)[]>()

/** Children are not registered before {@link registerNow}. */
function registerLate(run: AcceptRun): void {
  const registrations: (() => void)[] = []
  late.set(run, registrations)
  run.bootstrap.group(run.group, {
    register(child) {
      if (!run.fault.on) return run.group.register(child)
      const promise = new DefaultChannelPromise(child)
      registrations.push(() => {
        run.group.register(child).addListener((done) => {
          if (done.isSuccess) promise.trySuccess()
          else promise.tryFailure(done.cause)
        })
      })
      return promise
    },
  })
}

function registerNow(run: AcceptRun): void {
  const registrations = late.get(run) ?? []
  assert.equal(registrations.length, 4)
  for (const register of registrations) register()
}

/** Exits 8, 9, 10 and 12: what happens to a connection that somebody holds, that is gone, or that its handlers fail. */
export const laterExits: readonly AcceptExit[] = [
  {
    name: '8 the server closes while an async initializer holds them',
    closedBy: 'guard',
    reason: SERVER_CLOSED,
    cause: (cause) => assert.ok(cause instanceof ClosedChannelError),
    closesServer: true,
    setUp: (run) => void run.bootstrap.childHandler(() => new Promise<void>(() => undefined)),
    during: async (run) => void (await run.channel.close()),
  },
  {
    name: '8 the server closes while one of its handlers holds them',
    closedBy: 'guard',
    reason: SERVER_CLOSED,
    cause: (cause) => assert.ok(cause instanceof ClosedChannelError),
    closesServer: true,
    setUp: (run) => onServer(run, () => undefined),
    during: async (run) => void (await run.channel.close()),
  },
  {
    name: '9 the peers have sent FIN before they are registered',
    closedBy: 'channel',
    kinds: ['fin', 'fin', 'fin', 'fin'],
    peerErrors: 0,
    setUp: registerLate,
    during: registerNow,
  },
  {
    name: '9 the peers have sent RST before they are registered',
    closedBy: 'channel',
    kinds: ['reset', 'reset', 'reset', 'reset'],
    peerErrors: 4,
    setUp: registerLate,
    during: registerNow,
  },
  {
    name: '9 the peers have closed both directions before they are registered',
    closedBy: 'channel',
    kinds: ['gone', 'gone', 'gone', 'gone'],
    setUp: registerLate,
    during: registerNow,
  },
  {
    // Netty removes the handler and fires exceptionCaught; here nobody takes it, so the tail closes the channel.
    name: '10 handlerAdded of a handler throws',
    closedBy: 'guard',
    reason: HANDLER_THREW,
    cause: isHandlerAdded,
    setUp(run) {
      run.bootstrap.childHandler((ch) => void ch.pipeline.addLast({ handlerAdded: () => run.fault.hit() }, new Echo()))
    },
  },
  {
    name: '10 handlerAdded of childHandler itself throws',
    closedBy: 'guard',
    reason: HANDLER_THREW,
    cause: isHandlerAdded,
    setUp(run) {
      class Sharable extends Echo {
        readonly isSharable = true
        handlerAdded(): void {
          run.fault.hit()
        }
      }
      run.bootstrap.childHandler(new Sharable())
    },
  },
  {
    name: '12 the acceptor is gone from the pipeline of the server',
    closedBy: 'guard',
    reason: 'no handler of the server took it',
    cause: (cause) => assert.ok(cause instanceof ChannelStateError),
    setUp(run) {
      let acceptor: ChannelHandler | undefined
      run.bootstrap.handler({
        channelRead(ctx, child) {
          if (run.fault.on) acceptor ??= ctx.pipeline.removeLast()
          else if (acceptor !== undefined) ctx.pipeline.addLast(new Forward(acceptor))
          ctx.fireChannelRead(child)
        },
      })
    },
  },
  {
    name: '12 a handler of the server fires something else instead',
    closedBy: 'guard',
    reason: TIMED_OUT,
    cause: (cause) => assert.ok(cause instanceof RegistrationTimeoutError),
    alsoLogs: /passed the last handler/,
    setUp(run) {
      run.bootstrap.option(ChannelOption.REGISTRATION_TIMEOUT_MS, 100)
      onServer(run, (ctx, child) => ctx.fireChannelRead({ child }))
    },
  },
  {
    name: '12 a handler of the server throws',
    closedBy: 'guard',
    reason: 'a handler of the server threw',
    setUp: (run) => onServer(run, () => run.fault.hit()),
  },
  {
    name: '12 a handler of the server closes them',
    closedBy: 'guard',
    reason: 'it was closed before it was registered',
    cause: null,
    setUp: (run) => onServer(run, (_ctx, child) => void (child as { close(): unknown }).close()),
  },
  {
    name: '12 a handler of the server holds them and never admits',
    closedBy: 'guard',
    reason: TIMED_OUT,
    cause: (cause) => assert.ok(cause instanceof RegistrationTimeoutError),
    setUp(run) {
      run.bootstrap.option(ChannelOption.REGISTRATION_TIMEOUT_MS, 100)
      onServer(run, (_ctx, child) => void run.held.push(child as never))
    },
  },
]

/** An acceptor in a context of its own: a handler that is not sharable cannot be added again. */
class Forward implements ChannelHandler {
  private readonly acceptor: ChannelHandler

  constructor(acceptor: ChannelHandler) {
    this.acceptor = acceptor
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.acceptor.channelRead?.(ctx, msg)
  }
}

function isHandlerAdded(cause: Error, run: AcceptRun): void {
  assert.ok(cause instanceof ChannelPipelineError)
  assert.equal(cause.cause, run.fault.error)
}
