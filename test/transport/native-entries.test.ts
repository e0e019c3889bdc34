import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test, type TestContext } from 'node:test'
import { ByteBuf } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelHandler, type ChannelHandlerContext, LibuvSocketChannel } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { connect, plainClient, plainServer, readBytes, serve, untilClosed } from '../support/tcp.js'
import { recordLogs } from '../unit/transport/channel/recorded-logs.js'

/** Fails the test for whatever would have ended the process. */
function uncaught(t: TestContext): unknown[] {
  const errors: unknown[] = []
  const keep = (error: unknown): void => void errors.push(error)
  process.on('uncaughtException', keep)
  process.on('unhandledRejection', keep)
  t.after(() => {
    process.off('uncaughtException', keep)
    process.off('unhandledRejection', keep)
  })
  return errors
}

async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const METHODS = [
  'handlerAdded',
  'channelRegistered',
  'channelActive',
  'channelRead',
  'channelReadComplete',
  'channelWritabilityChanged',
  'userEventTriggered',
  'channelInactive',
  'channelUnregistered',
  'handlerRemoved',
] as const

describe('a handler that throws', () => {
  for (const name of METHODS) {
    for (const [what, thrown] of [
      ['an Error', new Error('boom')],
      ['undefined', undefined],
      ['a frozen object, with an exceptionCaught that throws too', Object.freeze({ toString: null })],
    ] as const) {
      test(`${what} in ${name} never reaches the process, and other connections go on`, async (t) => {
        recordLogs(t)
        const errors = uncaught(t)
        await leakScope(async (scope) => {
          let throws = true
          const server = await serve(scope, scope.group(), () => {
            const handler: ChannelHandler = {
              channelRead: (ctx, msg) => {
                if (!throws) return void ctx.writeAndFlush(msg)
                ;(msg as ByteBuf).release()
                ctx.write(new Uint8Array(100_000), null)
                ctx.pipeline.fireUserEventTriggered('event')
                ctx.channel.eventLoop.execute(() => ctx.channel.close())
              },
            }
            if (!throws) return [handler]
            if (Object.isFrozen(thrown)) {
              handler.exceptionCaught = () => {
                throw thrown
              }
            }
            const before = handler[name] as ((ctx: ChannelHandlerContext, arg: never) => unknown) | undefined
            ;(handler as Record<string, unknown>)[name] = (ctx: ChannelHandlerContext, arg: never) => {
              before?.(ctx, arg)
              throw thrown
            }
            return [handler]
          })
          const client = await plainClient(scope, server.port)
          client.write('go')
          client.resume()
          const child = await server.child()
          await child.closeFuture
          await untilClosed(client)
          throws = false
          const other = await plainClient(scope, server.port)
          other.write('still here')
          assert.equal((await readBytes(other, 10)).toString(), 'still here')
          await turns()
        })()
        assert.deepEqual(errors, [])
      })
    }
  }

  test('in an outbound method fails that operation and nothing else', async (t) => {
    recordLogs(t)
    const errors = uncaught(t)
    await leakScope(async (scope) => {
      const peer = await plainServer(scope)
      let throws = true
      const channel = await connect(scope, scope.group(), peer.port, [
        {
          write: (ctx, msg, promise) => {
            if (throws) throw new Error('no writing')
            ctx.write(msg, promise)
          },
        },
      ])
      assert.equal(channel.writeAndFlush(Buffer.from('x')).cause?.message, 'no writing')
      throws = false
      await channel.writeAndFlush(Buffer.from('y'))
      assert.equal((await readBytes(await peer.accept(), 1)).toString(), 'y')
    })()
    assert.deepEqual(errors, [])
  })
})

describe('a listener that throws', () => {
  test('of a write, inside flush() and inside oncomplete, keeps no later write from completing', async (t) => {
    const logs = recordLogs(t)
    const errors = uncaught(t)
    await leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      const boom = (): void => {
        throw new Error('boom')
      }
      channel.write(Buffer.from('1')).addListener(boom)
      const second = channel.writeAndFlush(Buffer.from('2'))
      assert.ok(second.isSuccess)
      channel.write(new Uint8Array(32 << 20)).addListener(boom)
      const fourth = channel.writeAndFlush(Buffer.from('4'))
      await readBytes(socket, (32 << 20) + 3)
      await fourth
      assert.ok(channel.isOpen)
    })()
    assert.deepEqual(errors, [])
    assert.equal(logs.filter((line) => line.level === 'warn').length, 2)
  })

  for (const event of ['registered', 'active', 'inactive', 'close', 'writability', 'exception', 'accepted', 'refused'] as const) {
    test(`of channel.events '${event}' never reaches the process, and the channel goes on as without it`, async (t) => {
      recordLogs(t)
      const errors = uncaught(t)
      let heard = 0
      await leakScope(async (scope) => {
        const listen = (channel: Channel): void => {
          const boom = (): void => {
            heard++
            throw new Error('boom')
          }
          channel.events.on<typeof event>(event, boom)
        }
        let refuses = false
        const server = await serve(scope, scope.group(), (channel) => {
          if (refuses) throw new Error('refused')
          listen(channel)
          return [
            {
              channelRead: (ctx, msg) => {
                ctx.write(new Uint8Array(100_000), null)
                ctx.writeAndFlush(msg)
                ctx.fireExceptionCaught(new Error('closes the channel'))
              },
            },
          ]
        })
        listen(server.channel)
        const client = await plainClient(scope, server.port)
        client.write('x')
        await readBytes(client, 100_001)
        const child = await server.child()
        await child.closeFuture
        await eventually(() => assert.equal(child.isRegistered, false))
        refuses = true
        const refused = await plainClient(scope, server.port)
        refused.resume()
        await untilClosed(refused)
      })()
      assert.ok(heard > 0)
      assert.deepEqual(errors, [])
    })
  }
})

describe('a defect in the transport itself', () => {
  test('that throws while a chunk is delivered closes that channel and does not reach the process', async (t) => {
    recordLogs(t)
    const errors = uncaught(t)
    await leakScope(async (scope) => {
      const caught: Error[] = []
      const server = await serve(scope, scope.group(), () => [{ exceptionCaught: (_ctx, cause) => void caught.push(cause) }])
      const client = await plainClient(scope, server.port)
      const child = await server.child()
      t.mock.method(ByteBuf, 'overStorage', () => {
        throw new RangeError('Array buffer allocation failed')
      }, { times: 1 })
      client.write('x')
      await child.closeFuture
      assert.deepEqual(caught.map((cause) => cause.message), ['Array buffer allocation failed'])
    })()
    assert.deepEqual(errors, [])
  })

  test('that throws when a write has completed is logged and does not reach the process', async (t) => {
    const logs = recordLogs(t)
    const errors = uncaught(t)
    await leakScope(async (scope) => {
      const peer = await plainServer(scope)
      const channel = await connect(scope, scope.group(), peer.port)
      const socket = await peer.accept()
      t.mock.method(LibuvSocketChannel.prototype, 'onWriteComplete', () => {
        throw new Error('boom')
      }, { times: 1 })
      channel.writeAndFlush(new Uint8Array(32 << 20), null)
      socket.resume()
      await eventually(() => assert.ok(logs.some((line) => line.level === 'error' && (line.error as Error).message === 'boom')))
    })()
    assert.deepEqual(errors, [])
  })
})
