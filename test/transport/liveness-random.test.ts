import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually, ManualTicker, seededBytes } from '@knotty/testing'
import { ChannelOption } from '@knotty/transport'
import * as fc from 'fast-check'
import { leakScope } from '../support/leak-scope.js'
import { option, plainClient, serve } from '../support/tcp.js'

const WRITES = ['write', 'write', 'write', 'write much'] as const
const STEPS = [...WRITES, 'read', 'read', 'on', 'off', 'probe', 'probe', 'probe and read', 'turn', 'move'] as const
const IN_READ = ['nothing', 'nothing', 'read', 'on', 'off'] as const

describe('writes, reads, AUTO_READ and probes at random', () => {
  test('lose no byte, change no order, and answer each read() with one message', { timeout: 55_000 }, async () => {
    const step = fc.record({ what: fc.constantFrom(...STEPS), size: fc.integer({ min: 1, max: 5000 }) })
    const plan = fc.record({
      steps: fc.array(step, { minLength: 5, maxLength: 40 }),
      inRead: fc.array(fc.constantFrom(...IN_READ), { minLength: 1, maxLength: 6 }),
      autoRead: fc.boolean(),
    })
    const run = fc.asyncProperty(plan, ({ steps, inRead, autoRead }) =>
      leakScope(async (scope) => {
        const clocks = [new ManualTicker(), new ManualTicker()] as const
        const groups = [scope.group({ readSlabBytes: 1024, ticker: clocks[0] }), scope.group({ readSlabBytes: 4096, ticker: clocks[1] })] as const
        const got = createHash('sha256')
        let received = 0
        let asked = false
        let unasked = 0
        let calm = false
        let reads = 0
        const server = await serve(
          scope,
          groups[0],
          () => [
            {
              read: (ctx) => {
                asked = true
                ctx.read()
              },
              channelRead: (_ctx, msg) => {
                if (!asked) unasked++
                asked = false
                got.update((msg as ByteBuf).asBuffer())
                received += (msg as ByteBuf).readableBytes
                ;(msg as ByteBuf).release()
                if (!calm) act(inRead[reads++ % inRead.length] as string)
              },
            },
          ],
          [option(ChannelOption.AUTO_READ, autoRead), option(ChannelOption.LIVENESS_PROBE_MS, 100)],
        )
        const client = await plainClient(scope, server.port)
        const channel = await server.child()
        await eventually(() => assert.ok(channel.isActive && channel.isRegistered))
        const act = (what: string): void => {
          if (what === 'read') channel.read()
          else if (what === 'on') channel.config.autoRead = true
          else if (what === 'off') {
            if (channel.config.autoRead) asked = false // takes the read() that is still unanswered back
            channel.config.autoRead = false
          }
        }
        const sent = createHash('sha256')
        let total = 0
        let moves = 0
        for (const [index, { what, size }] of steps.entries()) {
          if (what.startsWith('write')) {
            const bytes = seededBytes(what === 'write' ? size : size * 30, index)
            sent.update(bytes)
            total += bytes.length
            client.write(bytes)
          } else if (what === 'turn') await new Promise((resolve) => setImmediate(resolve))
          else if (what === 'move') {
            await channel.deregister()
            await (groups[++moves % 2] as (typeof groups)[0]).register(channel)
          } else if (what.startsWith('probe')) {
            for (const clock of clocks) await clock.advance(100, what === 'probe' ? undefined : () => act('read'))
          } else act(what)
        }
        calm = true
        channel.config.autoRead = false
        asked = false
        channel.config.autoRead = true
        await eventually(() => assert.equal(received, total))
        assert.equal(got.digest('hex'), sent.digest('hex'))
        assert.equal(unasked, 0)
        await channel.close()
        assert.deepEqual(clocks.map((clock) => clock.pendingTimers), [0, 0])
      })(),
    )
    await fc.assert(run, { numRuns: 60, interruptAfterTimeLimit: 40_000 })
  })
})
