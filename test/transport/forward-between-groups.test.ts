import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ByteBuf } from '@knotty/buffer'
import { eventually } from '@knotty/testing'
import type { Channel } from '@knotty/transport'
import { leakScope } from '../support/leak-scope.js'
import { connect, plainClient, plainServer, readBytes, serve } from '../support/tcp.js'

const FORWARDED_BYTES = 12 * 1024 * 1024

describe('a proxy whose servers and clients belong to different groups', () => {
  test(
    'forwards chunks without showing what the server group reads later',
    leakScope(async (scope) => {
      const serving = scope.group({ poisonSlab: false })
      const connecting = scope.group({ poisonSlab: false })
      const sink = await plainServer(scope)
      const forward: Channel = await connect(scope, connecting, sink.port)
      const stalled = await sink.accept()
      let forwarded = 0
      let others = 0
      let servedChannels = 0
      const server = await serve(scope, serving, () => {
        const first = servedChannels++ === 0
        return [
          {
            channelRead(_ctx, msg) {
              const chunk = msg as ByteBuf
              if (first) {
                forwarded += chunk.readableBytes
                forward.writeAndFlush(chunk, null)
              } else {
                others += chunk.readableBytes
                chunk.release()
              }
            },
          },
        ]
      })
      const source = await plainClient(scope, server.port)
      source.write(Buffer.alloc(FORWARDED_BYTES, 'B'))
      await eventually(() => assert.equal(forwarded, FORWARDED_BYTES))
      assert.equal(forward.isWritable, false, 'the sink does not read, so writes went asynchronous')

      const other = await plainClient(scope, server.port)
      other.write(Buffer.alloc(1024 * 1024, 'C'))
      await eventually(() => assert.equal(others, 1024 * 1024))

      const received = await readBytes(stalled, FORWARDED_BYTES)
      assert.equal(received.findIndex((byte) => byte !== 0x42), -1, 'bytes of another connection')
    }),
  )
})
