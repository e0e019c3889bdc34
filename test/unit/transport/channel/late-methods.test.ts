import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ResourceLeakDetector } from '@knotty/buffer'
import { type ChannelHandler, EmbeddedChannel } from '@knotty/transport'
import { messagesOf, recordLogs } from './recorded-logs.js'

const ignore = (): void => undefined
const before = ResourceLeakDetector.level

/** Adds a handler, does something with it, and takes it out again. */
function around<H extends ChannelHandler>(handler: H, then: (handler: H) => void): void {
  const channel = new EmbeddedChannel(handler)
  then(handler)
  channel.pipeline.remove(handler)
}

describe('methods assigned to a handler after it was added', () => {
  beforeEach(() => ResourceLeakDetector.setLevel('advanced'))
  afterEach(() => ResourceLeakDetector.setLevel(before))

  test('are told of when the handler leaves, once for each class and method', (t) => {
    const logs = recordLogs(t)
    class Late {
      channelRead?: NonNullable<ChannelHandler['channelRead']>
      flush?: NonNullable<ChannelHandler['flush']>
    }
    for (let i = 0; i < 2; i++) {
      around(new Late(), (handler) => {
        handler.channelRead = ignore
        handler.flush = ignore
      })
    }
    const cause = 'event methods are read when a handler is added; this one was assigned afterwards and was never called (told once)'
    assert.deepEqual(messagesOf(logs, 'warn'), [
      `handler "Late#0": Late.channelRead() was not seen: ${cause}`,
      `handler "Late#0": Late.flush() was not seen: ${cause}`,
    ])
  })

  test('are told of when the channel closes', (t) => {
    const logs = recordLogs(t)
    class LateOnClose implements ChannelHandler {
      channelActive?: NonNullable<ChannelHandler['channelActive']>
    }
    const handler = new LateOnClose()
    const channel = new EmbeddedChannel(handler)
    handler.channelActive = ignore
    channel.close()
    channel.runPendingTasks()
    assert.equal(messagesOf(logs, 'warn').length, 1)
  })

  test('are told of when they replace one that the handler had, as they are not called either', (t) => {
    const logs = recordLogs(t)
    class Replaced implements ChannelHandler {
      channelRead(): void {}
    }
    around(new Replaced(), (handler) => void (handler.channelRead = ignore))
    assert.match(messagesOf(logs, 'warn')[0]!, /Replaced\.channelRead\(\) was not seen/)
  })

  test('are not told of when nothing was assigned: methods of classes, literals and fields', (t) => {
    const logs = recordLogs(t)
    class Plain implements ChannelHandler {
      channelInactive = ignore
      channelRead(): void {}
      handlerAdded(): void {}
    }
    around(new Plain(), ignore)
    around(new Plain(), ignore)
    around({ channelRead: ignore, channelActive: ignore }, ignore)
    assert.deepEqual(logs, [])
  })

  test('are not told of when the level was raised between adding and removing', (t) => {
    const logs = recordLogs(t)
    class Between implements ChannelHandler {
      channelRead(): void {}
    }
    ResourceLeakDetector.setLevel('simple')
    around(new Between(), () => ResourceLeakDetector.setLevel('paranoid'))
    around(new Between(), () => ResourceLeakDetector.setLevel('simple'))
    assert.deepEqual(logs, [])
  })

  test('are not told of when they come from a getter, which is not called again', (t) => {
    const logs = recordLogs(t)
    let calls = 0
    const handler = {
      get channelActive(): () => void {
        calls++
        return () => undefined
      },
    }
    const channel = new EmbeddedChannel(handler)
    const before = calls
    channel.pipeline.remove(handler)
    assert.deepEqual(logs, [])
    assert.equal(calls, before)
  })

  test('are not looked for below level advanced', (t) => {
    const logs = recordLogs(t)
    class Quiet implements ChannelHandler {
      channelRead?: NonNullable<ChannelHandler['channelRead']>
    }
    ResourceLeakDetector.setLevel('simple')
    around(new Quiet(), (handler) => void (handler.channelRead = ignore))
    assert.deepEqual(logs, [])
  })
})
