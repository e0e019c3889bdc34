import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ChannelList, type ListedChannel } from '../../../../../packages/transport/dist/channel/channel-list.js'
import { runScript } from '../../../support/run-script.js'

const channel = (): ListedChannel => ({ loopPlace: -1, serverPlace: -1 })

describe('a list of channels', () => {
  test('holds what a Set would hold, whatever is added and deleted, twice or before it was added', () => {
    const operations = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 })))
    fc.assert(
      fc.property(operations, (steps) => {
        const channels = Array.from({ length: 10 }, channel)
        const list = new ChannelList<ListedChannel>('loopPlace')
        const model = new Set<ListedChannel>()
        for (const [adds, index] of steps) {
          const each = channels[index] as ListedChannel
          if (adds) model.add(each)
          else model.delete(each)
          if (adds) list.add(each)
          else list.delete(each)
        }
        assert.equal(list.size, model.size)
        assert.deepEqual(new Set(list), model)
      }),
    )
  })

  test('is not confused by a list of the other kind, nor by another one of its own', () => {
    const [first, second] = [channel(), channel()]
    const ofLoop = new ChannelList<ListedChannel>('loopPlace')
    const ofServer = new ChannelList<ListedChannel>('serverPlace')
    const ofOtherLoop = new ChannelList<ListedChannel>('loopPlace')
    ofLoop.add(first)
    ofLoop.add(second)
    ofServer.add(second)
    ofServer.delete(first)
    ofOtherLoop.delete(second)
    assert.deepEqual([...ofLoop], [first, second])
    assert.deepEqual([...ofServer], [second])
  })

  test('can be walked while its members leave: each one that is still in comes once', () => {
    const list = new ChannelList<ListedChannel>('loopPlace')
    const channels = Array.from({ length: 5 }, channel)
    for (const each of channels) list.add(each)
    const seen: number[] = []
    for (const each of list) {
      seen.push(channels.indexOf(each))
      list.delete(each)
      list.delete(channels[3] as ListedChannel)
    }
    assert.deepEqual(seen, [0, 1, 2, 4])
    assert.equal(list.size, 0)
  })

  test('keeps nothing of members that have left: minor collections alone free them, which those of a Set are not', async () => {
    // 64 members at a time of 20,000 that come and go, 1 KiB each; how many bytes of them reach the old generation without any need.
    const result = await runScript(
      `
      import v8 from 'node:v8'
      import { ChannelList } from '../packages/transport/dist/channel/channel-list.js'
      const used = () => v8.getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size
      function promoted(members) {
        const last = []
        let before = 0
        for (let index = 0; index < 20_000; index++) {
          if (index === 1000) {
            gc() // what there is now goes to the old generation, as in every program sooner or later
            before = used()
          }
          const member = { loopPlace: -1, serverPlace: -1, bytes: new Array(128).fill(index) }
          members.add(member)
          last[index % 64] !== undefined && members.delete(last[index % 64])
          last[index % 64] = member
          if (index % 500 === 0) gc({ type: 'minor' })
        }
        return used() - before
      }
      const list = promoted(new ChannelList('loopPlace'))
      console.log(JSON.stringify({ list, set: promoted(new Set()) }))
      `,
      ['--expose-gc'],
    )
    assert.equal(result.stderr, '')
    const { list, set } = JSON.parse(result.stdout) as { list: number; set: number }
    assert.ok(list < 1 << 20, `a list: ${list} bytes`)
    assert.ok(set > 1 << 20, `a Set: ${set} bytes (a Set is as good by now: use one)`)
  })
})
