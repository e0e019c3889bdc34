import assert from 'node:assert/strict'
import type net from 'node:net'
import process from 'node:process'
import { describe, test } from 'node:test'
import { Unpooled } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelFuture, type ChannelHandler, ChannelOption } from '@knotty/transport'
import * as fc from 'fast-check'
import { isUnix } from '../support/cell.js'
import { type LeakScope, leakScope } from '../support/leak-scope.js'
import { option, plainClient, serve } from '../support/tcp.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

const OPERATIONS = [
  'write',
  'write',
  'write large',
  'write back',
  'flush',
  'flush',
  'close',
  'abort',
  'shutdown output',
  'shutdown input',
  'auto read off',
  'auto read on',
  'read',
  'deregister',
  'register',
  'throw',
  'peer writes',
  'peer writes',
  'peer writes much',
  'peer reads',
  'peer stops',
  'peer ends',
  'peer resets',
  'turn',
  'turn',
] as const
type Operation = (typeof OPERATIONS)[number]

const PLACES = ['outside', 'channelRead', 'channelReadComplete', 'channelWritabilityChanged', 'userEventTriggered', 'listener'] as const
type Place = (typeof PLACES)[number]

interface Step {
  readonly what: Operation
  readonly where: Place
  readonly which: number
}

/**
 * What a channel is told, in one letter each: Registered, active, read, readComplete, writability, exception, user event, inactive,
 * Unregistered, removed. Active comes once; nothing is read while it is deregistered; nothing but its removal follows inactive.
 */
const ORDER = /^R(?:a(?:[rcweu]*U[weu]*R)*[rcweu]*)?(?:(?:iU?|U)x?|U[weu]*)?$/

/** One accepted connection, its peer, and the steps that wait for one of its callbacks. */
class Subject {
  readonly waiting = new Map<Place, Operation[]>()
  readonly futures: ChannelFuture[] = []
  readonly handler: ChannelHandler
  log = ''
  private readonly channel: Channel
  private readonly again: (channel: Channel) => ChannelFuture
  peer: net.Socket | undefined
  private chunk: unknown

  constructor(channel: Channel, again: (channel: Channel) => ChannelFuture) {
    this.channel = channel
    this.again = again
    const note = (letter: string): (() => void) => () => void (this.log += letter)
    this.handler = {
      channelRegistered: note('R'),
      channelActive: note('a'),
      channelInactive: note('i'),
      channelUnregistered: note('U'),
      handlerRemoved: note('x'),
      exceptionCaught: note('e'),
      channelRead: (_ctx, msg) => {
        this.log += 'r'
        this.chunk = msg
        this.runWaiting('channelRead')
      },
      channelReadComplete: () => {
        this.log += 'c'
        this.runWaiting('channelReadComplete')
        this.chunk = undefined
      },
      channelWritabilityChanged: () => {
        this.log += 'w'
        this.runWaiting('channelWritabilityChanged')
      },
      userEventTriggered: () => {
        this.log += 'u'
        this.runWaiting('userEventTriggered')
      },
    }
  }

  perform(what: Operation): void {
    const { channel, peer } = this
    if (what === 'write') this.write(Buffer.alloc(300, 1))
    else if (what === 'write large') this.write(Unpooled.wrappedBuffer(Buffer.alloc(700_000, 2)))
    else if (what === 'write back' && this.chunk !== undefined) {
      this.write(this.chunk)
      this.chunk = undefined
    } else if (what === 'flush') channel.flush()
    else if (what === 'close') this.futures.push(channel.close())
    else if (what === 'abort') this.futures.push(channel.abort())
    else if (what === 'shutdown output') this.futures.push(channel.shutdownOutput())
    else if (what === 'shutdown input') this.futures.push(channel.shutdownInput())
    else if (what === 'auto read off') channel.config.autoRead = false
    else if (what === 'auto read on') channel.config.autoRead = true
    else if (what === 'read') channel.read()
    else if (what === 'deregister') this.futures.push(channel.deregister())
    else if (what === 'register' && !channel.isRegistered && channel.isOpen) this.futures.push(this.again(channel))
    else if (what === 'throw') channel.pipeline.fireUserEventTriggered('again')
    else if (what === 'peer writes') peer?.write('hello')
    else if (what === 'peer writes much') peer?.write(Buffer.alloc(200_000, 3))
    else if (what === 'peer reads') peer?.resume()
    else if (what === 'peer stops') peer?.pause()
    else if (what === 'peer ends') peer?.end()
    else if (what === 'peer resets' && isUnix()) peer?.destroy()
    else if (what === 'peer resets' && peer?.writableEnded === false) peer.resetAndDestroy() // while FIN waits, Node leaks the socket
  }

  private write(msg: unknown): void {
    const write = this.channel.write(msg)
    this.futures.push(write)
    write.addListener(() => this.runWaiting('listener'))
  }

  private runWaiting(place: Place): void {
    const operation = this.waiting.get(place)?.shift()
    if (operation === undefined) return
    this.perform(operation)
    if (operation === 'throw') throw new Error('chaos')
  }
}

describe('random operations from random places on several connections', () => {
  test('end with every promise done, events in order, nothing left and nothing uncaught', { timeout: 58_000 }, async (t) => {
    recordLogs(t)
    const errors: unknown[] = []
    const keep = (error: unknown): void => void errors.push(error)
    process.on('uncaughtException', keep)
    process.on('unhandledRejection', keep)
    t.after(() => {
      process.off('uncaughtException', keep)
      process.off('unhandledRejection', keep)
    })
    const step = fc.record({ what: fc.constantFrom(...OPERATIONS), where: fc.constantFrom(...PLACES, 'outside'), which: fc.nat(2) })
    const settings = fc.record({
      halfClosure: fc.boolean(),
      autoClose: fc.boolean(),
      linger: fc.boolean(),
      probeMs: fc.constantFrom(0, 1, 10_000),
      halfOpenMs: fc.constantFrom(0, 3, 60_000),
      writeSlabBytes: fc.constantFrom(1024, 65536),
    })
    const run = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 60, size: 'max' }), settings, (steps, chosen) =>
      leakScope((scope) => play(scope, steps as readonly Step[], chosen))(),
    )
    await fc.assert(run, { numRuns: 120, interruptAfterTimeLimit: 30_000 })
    assert.deepEqual(errors, [])
  })
})

interface Settings {
  readonly halfClosure: boolean
  readonly autoClose: boolean
  readonly linger: boolean
  readonly probeMs: number
  readonly halfOpenMs: number
  readonly writeSlabBytes: number
}

async function play(scope: LeakScope, steps: readonly Step[], settings: Settings): Promise<void> {
  const group = scope.group({ readSlabBytes: 8192, writeSlabBytes: settings.writeSlabBytes, poisonSlab: true })
  const second = scope.group({ readSlabBytes: 2048, writeSlabBytes: 65536, poisonSlab: true })
  let registrations = 0
  const subjects: Subject[] = []
  const childOptions = [
    option(ChannelOption.ALLOW_HALF_CLOSURE, settings.halfClosure),
    option(ChannelOption.AUTO_CLOSE, settings.autoClose),
    option(ChannelOption.LIVENESS_PROBE_MS, settings.probeMs),
    option(ChannelOption.HALF_OPEN_TIMEOUT_MS, settings.halfOpenMs),
    ...(settings.linger ? [option(ChannelOption.SO_LINGER, 0)] : []),
  ]
  const server = await serve(
    scope,
    group,
    (channel) => {
      const subject = new Subject(channel, (each) => (registrations++ % 2 === 0 ? second : group).register(each))
      subjects.push(subject)
      return [subject.handler]
    },
    childOptions,
  )
  for (let index = 0; index < 3; index++) {
    const peer = await plainClient(scope, server.port, { allowHalfOpen: true })
    await server.child(index)
    ;(subjects[index] as Subject).peer = peer
  }
  for (const { what, where, which } of steps) {
    const subject = subjects[which] as Subject
    if (what === 'turn') await new Promise((resolve) => setImmediate(resolve))
    else if (where === 'outside') subject.perform(what)
    else {
      const waiting = subject.waiting.get(where) ?? []
      subject.waiting.set(where, waiting)
      waiting.push(what)
    }
  }
  for (const [index, subject] of subjects.entries()) {
    subject.waiting.clear()
    await server.children[index]?.close()
  }
  await eventually(() => {
    for (const subject of subjects) {
      assert.ok(subject.futures.every((future) => future.isDone), 'a promise is never completed')
      assert.match(subject.log, ORDER)
    }
  })
}
