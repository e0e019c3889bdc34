import { Socket } from 'node:net'
import { ByteBuf } from '@knotty/buffer'
import { ChannelHandlerContext, EventLoopGroup } from '@knotty/transport'
import type { AcceptRun } from '../support/accept-run.js'
import type { AcceptExit } from './accept-exit.js'
import { makeChildren, NO_CHANNEL, REGISTRATION_FAILED } from './exits-setup.js'
import { NotApplicable } from './not-applicable.js'

/** The fault of exit 11. */
function noMemory(run: AcceptRun): void {
  run.fault.error = new RangeError('Array buffer allocation failed')
}

/** Calls `before` ahead of the method until the run ends. */
function intercept<K extends string, M extends (...args: never[]) => unknown>(
  run: AcceptRun,
  owner: Record<K, M>,
  name: K,
  before: (self: unknown, args: Parameters<M>) => void,
): void {
  const original = owner[name]
  owner[name] = function intercepted(this: unknown, ...args: Parameters<M>): unknown {
    before(this, args)
    return original.apply(this, args)
  } as M
  run.defer(() => {
    owner[name] = original
  })
}

/** Children go to a loop whose memory, in one array for both slabs, cannot be allocated. */
function registerWithoutSlabs(run: AcceptRun): void {
  noMemory(run)
  const readSlabBytes = 54_321
  const writeSlabBytes = 10_000
  const fresh = new EventLoopGroup({ readSlabBytes, writeSlabBytes })
  run.bootstrap.group(run.group, fresh)
  intercept(run, Buffer, 'allocUnsafeSlow', (_, [size]) => {
    if (size === readSlabBytes + writeSlabBytes) run.fault.hit()
  })
  run.defer(() => fresh.shutdownGracefully({ quietPeriodMs: 0 }))
}

/** Exit 11: there is no memory for something that a connection needs. */
export const memoryExits: readonly AcceptExit[] = [
  {
    name: '11 the channel constructor has no memory',
    closedBy: 'guard',
    reason: NO_CHANNEL,
    setUp(run) {
      noMemory(run)
      makeChildren(run, 'constructor')
    },
  },
  {
    name: '11 the pipeline constructor has no memory',
    closedBy: 'guard',
    reason: NO_CHANNEL,
    setUp(run) {
      noMemory(run)
      // The pipeline's constructor calls it for head and tail.
      intercept(run, ChannelHandlerContext.prototype, 'callHandlerAdded', (ctx) => {
        if ((ctx as ChannelHandlerContext).channel.parent === run.channel) run.fault.hit()
      })
    },
  },
  {
    name: '11 the raw socket has no memory for a listener',
    closedBy: 'guard',
    reason: NO_CHANNEL,
    setUp(run) {
      if (run.cell.transport.carrier !== 'net') throw new NotApplicable()
      noMemory(run)
      // Neither the first listener that the channel adds nor the last; Node itself adds none for errors.
      intercept(run, Socket.prototype, 'on', (_, [event]) => {
        if (event === 'error') run.fault.hit()
      })
    },
  },
  {
    name: '11 the loop has no memory for its slabs',
    closedBy: 'guard',
    reason: REGISTRATION_FAILED,
    setUp: registerWithoutSlabs,
  },
  {
    name: '11 there is no memory for the buffer of the first bytes',
    closedBy: 'channel',
    kinds: ['byte', 'byte', 'byte'],
    alsoLogs: /no handler took this exception, the channel is closed/,
    setUp(run) {
      noMemory(run)
      intercept(run, ByteBuf, run.cell.transport.carrier === 'libuv' ? 'overStorage' : 'wrap', () => run.fault.hit())
    },
  },
]
