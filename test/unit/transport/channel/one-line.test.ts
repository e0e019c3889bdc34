import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Bootstrap, ChannelOption, EmbeddedChannel, EventLoopGroup, LibuvServerChannel } from '@knotty/transport'

describe('console.log prints one line, without memory, of', () => {
  const channel = new EmbeddedChannel({ channelRead: () => undefined })
  const group = new EventLoopGroup()
  const objects: Readonly<Record<string, object>> = {
    'a channel': channel,
    'a server channel': new LibuvServerChannel(),
    'a pipeline': channel.pipeline,
    'a context': channel.pipeline.context('Handler#0') as object,
    'a pending write': channel.write('never flushed'),
    'a closeFuture': channel.closeFuture,
    'an outbound buffer': channel.outboundBuffer as object,
    'a group': group,
    'a loop': group.next(),
    'an option': ChannelOption.AUTO_READ,
  }
  for (const [name, object] of Object.entries(objects)) {
    test(name, () => {
      const text = inspect(object)
      assert.ok(!text.includes('\n') && text.length < 300, text)
      assert.ok(!text.includes('<Buffer'), text)
      assert.match(text, new RegExp(object.constructor.name.replace(/^Default(?!Ch)/, '')))
    })
  }

  test('a bootstrap, whatever it holds', () => {
    assert.ok(!inspect(new Bootstrap().group(group).handler({})).includes('<Buffer'))
  })
})
