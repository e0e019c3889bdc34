import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { ManualTicker } from '@knotty/testing'
import { EventLoopGroup, LocalServerChannel } from '@knotty/transport'
import { leakScope } from '../../support/leak-scope.js'

test('all begin at the same time: a channel may move from the loop of one to that of another', () => {
  assert.deepEqual([new ManualTicker().now(), new ManualTicker().now()], [1000, 1000])
})

test(
  'a loop with a manual ticker runs coarse timers in advance() alone, each at its own deadline',
  leakScope(async (scope) => {
    const ticker = new ManualTicker()
    const loop = scope.group({ ticker }).next()
    const start = ticker.now()
    const ran: [what: string, at: number][] = []
    const note = (what: string) => (): void => void ran.push([what, loop.ticker.now() - start])
    loop.scheduleCoarse(note('b'), 200)
    loop.scheduleCoarse(() => loop.scheduleCoarse(note('c'), 150), 100)
    const cancelled = loop.scheduleCoarse(note('never'), 120)
    assert.equal(ticker.pendingTimers, 3)
    assert.equal(cancelled.cancel(), true)
    assert.equal(ticker.pendingTimers, 2)
    await ticker.advance(199)
    assert.deepEqual(ran, [])
    await ticker.advance(1)
    assert.deepEqual(ran, [['b', 200]])
    await ticker.advance(100)
    assert.deepEqual(ran, [['b', 200], ['c', 250]])
    assert.equal(ticker.pendingTimers, 0)
    assert.equal(ticker.now() - start, 300)
  }),
)

test(
  'advance() runs what the caller gives behind the timers, and rejects with what that throws',
  leakScope(async (scope) => {
    const ticker = new ManualTicker()
    const loop = scope.group({ ticker }).next()
    const ran: string[] = []
    loop.scheduleCoarse(() => {
      ran.push('timer')
      setImmediate(() => ran.push('later'))
    }, 10)
    await ticker.advance(10, () => void ran.push('meanwhile'))
    assert.deepEqual(ran, ['timer', 'meanwhile', 'later'])
    await assert.rejects(
      ticker.advance(1, () => {
        throw new Error('no')
      }),
      /no/,
    )
    await assert.rejects(ticker.advance(-1), IllegalArgumentError)
  }),
)

test('what a loop schedules exactly, and its shutdown, go by the clock of the process; coarse timers end with the loop', async () => {
  const ticker = new ManualTicker()
  const group = new EventLoopGroup({ ticker })
  const deadlines: number[] = []
  await new Promise<void>((resolve) => {
    const task = group.next().scheduleAtFixedRate(() => {
      deadlines.push((task as unknown as { deadline: number }).deadline)
      if (deadlines.length < 4) return
      task.cancel()
      resolve()
    }, 5, 5)
  })
  // by a clock that stands still each run would be put off by all that have passed
  assert.ok(Math.abs((deadlines[0] as number) - performance.now()) < 10_000)
  assert.deepEqual(deadlines.slice(1).map((deadline, index) => Math.round(deadline - (deadlines[index] as number))), [5, 5, 5])
  let ran = 0
  group.scheduleCoarse(() => void ran++, 10)
  await group.shutdownGracefully({ quietPeriodMs: 20, timeoutMs: 50 })
  assert.equal(ticker.pendingTimers, 0)
  await ticker.advance(100)
  assert.equal(ran, 0)
})

test('the shutdown of a loop does not wait for a ticker that stands still', async () => {
  const group = new EventLoopGroup({ ticker: new ManualTicker() })
  await group.register(new LocalServerChannel())
  await group.shutdownGracefully({ quietPeriodMs: 0 })
  assert.equal(group.next().channelCount, 0)
})
