import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, test } from 'node:test'
import { DefaultPromise } from '@knotty/common'
import { EventLoopGroup, ServerBootstrap, type ServerChannel } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'

const DEADLINE_MS = 60

describe('the leak scope fails a test that leaves', () => {
  test('a socket', async () => {
    let server: net.Server | undefined
    const left = leakScope(async () => {
      server = net.createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
    }, DEADLINE_MS)
    await assert.rejects(left, /sockets are left open/)
    server?.close()
  })

  test('a channel', async () => {
    let channel: ServerChannel | undefined
    let group: EventLoopGroup | undefined
    const left = leakScope(async (scope) => {
      group = scope.group()
      channel = await new ServerBootstrap().group(group).childHandler(() => undefined).bind({ localId: '' })
    }, DEADLINE_MS)
    await assert.rejects(left, /channels are left open/)
    await channel?.close()
    await group?.shutdownGracefully({ quietPeriodMs: 0 })
  })

  test('a timer of a loop, also one that does not keep the process alive', async () => {
    for (const kind of ['schedule', 'scheduleCoarse'] as const) {
      let group: EventLoopGroup | undefined
      const left = leakScope(async (scope) => {
        group = scope.group()
        group[kind](() => undefined, 60_000)
      }, DEADLINE_MS)
      await assert.rejects(left, /timers of the loop are left/)
      await group?.shutdownGracefully({ quietPeriodMs: 0 })
    }
  })

  test('a timer of Node', async () => {
    let timer: NodeJS.Timeout | undefined
    const left = leakScope(async () => {
      timer = setTimeout(() => undefined, 60_000)
    }, DEADLINE_MS)
    await assert.rejects(left, /timers, handles or requests are left/)
    clearTimeout(timer)
  })

  test('a future that somebody waits for', async () => {
    const promise = new DefaultPromise<void>()
    const left = leakScope(async () => void promise.addListener(() => undefined), DEADLINE_MS)
    await assert.rejects(left, /futures that somebody waits for are left pending/)
    promise.setSuccess()
  })

  test(
    'nothing',
    leakScope(async (scope) => {
      const group = scope.group()
      const server = await new ServerBootstrap().group(group).childHandler(() => undefined).bind(0, '127.0.0.1')
      await server.close()
    }),
  )
})
