import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ChannelHandler, type ChannelHandlerContext, EmbeddedChannel, SimpleChannelInboundHandler } from '@knotty/transport'

class Codec {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.fireChannelRead(msg)
  }
}
class LineCodec extends Codec {}
class Shared {
  readonly isSharable = true
  added = 0

  handlerAdded(): void {
    this.added++
  }
}

describe('names', () => {
  test('are made up from the class when none is given', () => {
    const { pipeline } = new EmbeddedChannel(new Codec(), new Codec(), {})
    pipeline.addFirst(null, new Codec())
    assert.deepEqual(pipeline.names, ['Codec#2', 'Codec#0', 'Codec#1', 'Handler#0'])
  })

  test('a second handler of one name is refused; the message shows the names and the way out', () => {
    const { pipeline } = new EmbeddedChannel()
    pipeline.addLast('a', {}).addLast('b', {})
    const error = {
      name: 'IllegalArgumentError',
      code: 'ERR_KNOTTY_DUPLICATE_HANDLER_NAME',
      message: 'the pipeline has a handler named "a" already (a, b): choose another name, or pass none to get one made up',
    }
    assert.throws(() => pipeline.addLast('a', {}), error)
    assert.throws(() => pipeline.addFirst('a', {}), error)
    assert.throws(() => pipeline.addBefore('b', 'a', {}), error)
    assert.throws(() => pipeline.addAfter('b', 'a', {}), error)
    assert.throws(() => pipeline.replace('b', 'a', {}), error)
    assert.deepEqual(pipeline.names, ['a', 'b'])
  })

  test('a handler that was refused for its name can be added under another', () => {
    const { pipeline } = new EmbeddedChannel()
    const handler = new Codec()
    pipeline.addLast('a', {})
    assert.throws(() => pipeline.addLast('a', handler))
    pipeline.addLast('b', handler)
    assert.equal(pipeline.get('b'), handler)
  })
})

describe('order', () => {
  test('addFirst and addLast keep the order of several handlers', () => {
    const { pipeline } = new EmbeddedChannel()
    const [a, b, c, d] = [{}, {}, {}, {}]
    pipeline.addLast(c, d)
    pipeline.addFirst(a, b)
    assert.deepEqual([...pipeline].map(([, handler]) => [a, b, c, d].indexOf(handler)), [0, 1, 2, 3])
    assert.equal(pipeline.first, a)
    assert.equal(pipeline.last, d)
  })

  test('addBefore, addAfter, replace, removeFirst and removeLast', () => {
    const { pipeline } = new EmbeddedChannel()
    pipeline.addLast('b', {}).addBefore('b', 'a', {}).addAfter('b', 'd', {}).addAfter('b', 'c', {})
    assert.deepEqual(pipeline.names, ['a', 'b', 'c', 'd'])
    pipeline.replace('b', 'B', {})
    pipeline.removeFirst()
    pipeline.removeLast()
    assert.deepEqual(pipeline.names, ['B', 'c'])
  })

  test('an empty pipeline has no first and no last handler', () => {
    const { pipeline } = new EmbeddedChannel()
    assert.deepEqual([pipeline.first, pipeline.last, pipeline.names], [undefined, undefined, []])
    assert.throws(() => pipeline.removeFirst(), { name: 'NoSuchElementError', message: 'the pipeline is empty' })
    assert.throws(() => pipeline.removeLast(), { name: 'NoSuchElementError' })
  })

  test('prints names and classes', () => {
    const { pipeline } = new EmbeddedChannel()
    pipeline.addLast('framer', new LineCodec()).addLast(new Codec())
    assert.equal(String(pipeline), 'ChannelPipeline(framer = LineCodec, Codec#0 = Codec)')
  })
})

describe('looking up', () => {
  const codec = new LineCodec()
  const channel = new EmbeddedChannel()
  channel.pipeline.addLast('other', {}).addLast('codec', codec)

  test('get and context by name', () => {
    assert.equal(channel.pipeline.get('codec'), codec)
    assert.equal(channel.pipeline.context('codec')?.name, 'codec')
    assert.equal(channel.pipeline.get('none'), undefined)
    assert.equal(channel.pipeline.context('none'), undefined)
  })

  test('by class, also of a parent class', () => {
    const found: LineCodec | undefined = channel.pipeline.get(LineCodec)
    assert.equal(found, codec)
    assert.equal(channel.pipeline.get(Codec), codec)
    assert.equal(channel.pipeline.context(Codec)?.name, 'codec')
    assert.equal(channel.pipeline.get(Shared), undefined)
  })

  test('by an abstract class', () => {
    class Text extends SimpleChannelInboundHandler<string> {
      channelRead0(): void {}
    }
    const text = new Text()
    assert.equal(new EmbeddedChannel(text).pipeline.get(SimpleChannelInboundHandler), text)
  })

  test('context by instance', () => {
    assert.equal(channel.pipeline.context(codec)?.name, 'codec')
  })

  test('neither the head nor the tail can be found', () => {
    assert.equal(channel.pipeline.get('head'), undefined)
    assert.equal(channel.pipeline.get('tail'), undefined)
  })
})

describe('removing', () => {
  test('by name, instance, class and parent class gives the handler', () => {
    for (const which of ['codec', 'instance', LineCodec, Codec] as const) {
      const codec = new LineCodec()
      const { pipeline } = new EmbeddedChannel()
      pipeline.addLast('codec', codec)
      assert.equal(which === 'instance' ? pipeline.remove(codec) : pipeline.remove(which as string), codec)
      assert.deepEqual(pipeline.names, [])
    }
  })

  test('what is not there is an error that says what was looked for, and where', () => {
    const { pipeline } = new EmbeddedChannel()
    pipeline.addLast('a', {})
    const where = 'in ChannelPipeline(a = Handler)'
    assert.throws(() => pipeline.remove('b'), { name: 'NoSuchElementError', message: `no handler named "b" ${where}` })
    assert.throws(() => pipeline.remove(Codec), { name: 'NoSuchElementError', message: `no handler of class Codec ${where}` })
    assert.throws(() => pipeline.remove(new Codec()), { name: 'NoSuchElementError', message: `no handler of class Codec ${where}` })
    assert.throws(() => pipeline.addBefore('b', null, {}), { name: 'NoSuchElementError' })
    assert.throws(() => pipeline.replace('b', null, {}), { name: 'NoSuchElementError' })
  })
})

describe('one instance in several places', () => {
  const error = {
    name: 'ChannelPipelineError',
    code: 'ERR_KNOTTY_HANDLER_NOT_SHARABLE',
    message:
      'this Codec instance was added to a pipeline before and is not sharable: make a new one for each channel ' +
      '(childHandler((ch) => ch.pipeline.addLast(new Codec()))), or let it say isSharable = true if it keeps no state of a channel',
  }

  test('is refused in one pipeline and in another; the message says what to do', () => {
    const codec = new Codec()
    const { pipeline } = new EmbeddedChannel(codec)
    assert.throws(() => pipeline.addLast(codec), error)
    assert.throws(() => new EmbeddedChannel(codec), error)
  })

  test('is refused also after it was removed or replaced: it may hold state of the first channel', () => {
    const codec = new Codec()
    const { pipeline } = new EmbeddedChannel(codec)
    pipeline.replace(codec, null, {})
    assert.throws(() => pipeline.addLast(codec), error)
  })

  test('is fine when it says isSharable', () => {
    const shared = new Shared()
    const channel = new EmbeddedChannel(shared)
    channel.pipeline.addLast(shared)
    assert.equal(new EmbeddedChannel(shared).pipeline.first, shared)
    assert.equal(shared.added, 3)
  })
})

describe('handlerAdded and handlerRemoved', () => {
  test('a handler whose handlerAdded throws is taken out again, and the error starts at the head', () => {
    const caught: Error[] = []
    const removed: string[] = []
    const channel = new EmbeddedChannel({ exceptionCaught: (_ctx: ChannelHandlerContext, cause: Error) => void caught.push(cause) })
    const cause = new Error('no')
    channel.pipeline.addLast('failing', {
      handlerAdded() {
        throw cause
      },
      handlerRemoved: (ctx: ChannelHandlerContext) => void removed.push(ctx.name),
    })
    assert.deepEqual(channel.pipeline.names.length, 1)
    assert.deepEqual(removed, ['failing'])
    assert.equal(caught[0]?.name, 'ChannelPipelineError')
    assert.equal(caught[0].cause, cause)
    assert.match(caught[0].message, /^failing\.handlerAdded\(\) threw; the handler was removed: no$/)
  })

  test('one that removed itself before it threw takes no neighbour with it', () => {
    const channel = new EmbeddedChannel({ exceptionCaught: () => undefined })
    channel.pipeline.addLast('failing', {
      handlerAdded(ctx: ChannelHandlerContext) {
        ctx.pipeline.remove(ctx.name)
        ctx.pipeline.addLast('neighbour', {})
        throw new Error('no')
      },
    })
    assert.ok(channel.pipeline.get('neighbour'))
  })

  test('a handlerRemoved that throws is told from the head', () => {
    const channel = new EmbeddedChannel()
    channel.pipeline.addLast('failing', {
      handlerRemoved() {
        throw new Error('no')
      },
    })
    channel.pipeline.remove('failing')
    assert.throws(() => channel.checkException(), { name: 'ChannelPipelineError', message: 'failing.handlerRemoved() threw: no' })
  })

  test('a handler that another one removes while the pipeline is torn down is told once', () => {
    const removed: string[] = []
    const channel = new EmbeddedChannel()
    const first: ChannelHandler = { handlerRemoved: (ctx: ChannelHandlerContext) => void removed.push(ctx.name) }
    channel.pipeline.addLast('first', first).addLast('last', {
      handlerRemoved(ctx: ChannelHandlerContext) {
        removed.push(ctx.name)
        ctx.pipeline.remove('first')
      },
    })
    channel.close()
    assert.deepEqual(removed, ['last', 'first'])
    assert.deepEqual(channel.pipeline.names, [])
  })

  test('asks each handler with a read for the next read of AUTO_READ, as long as it is in the pipeline', () => {
    class Reader {
      reads = 0

      read(ctx: ChannelHandlerContext): void {
        this.reads++
        ctx.read()
      }
    }
    const [first, second, third] = [new Reader(), new Reader(), new Reader()]
    const channel = new EmbeddedChannel({ channelRead: (ctx: ChannelHandlerContext, msg: unknown) => void ctx.fireChannelRead(msg) })
    const counts = (): number[] => {
      channel.pipeline.fireChannelReadComplete()
      return [first.reads, second.reads, third.reads]
    }
    assert.deepEqual(counts(), [0, 0, 0])
    channel.pipeline.addLast(first, second)
    assert.deepEqual(counts(), [1, 1, 0])
    channel.pipeline.replace(first, null, third)
    assert.deepEqual(counts(), [1, 2, 1])
    channel.pipeline.replace(second, null, { channelInactive: () => undefined })
    assert.deepEqual(counts(), [1, 2, 2])
    channel.pipeline.remove(third)
    assert.deepEqual(counts(), [1, 2, 2])
  })
})
