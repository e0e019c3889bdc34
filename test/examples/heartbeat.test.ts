import assert from 'node:assert/strict'
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { after, describe, test } from 'node:test'
import { createInterface } from 'node:readline'
import { EmbeddedChannel, IdleStateEvent, IdleStateHandler, Unpooled } from 'knotty'
import { BeatHandler } from '../../../packages/examples/dist/heartbeat/beat-handler.js'
import { MissedBeatsHandler } from '../../../packages/examples/dist/heartbeat/missed-beats-handler.js'
import { ExampleProcesses } from '../support/example-process.js'

const heartbeat = new ExampleProcesses('heartbeat')

after(() => heartbeat.killAll())

/** What a program prints, line by line, and a way to wait for something in it. */
class Output {
  readonly lines: string[] = []
  private checks: (() => void)[] = []

  constructor(child: ChildProcess) {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line)
      for (const check of this.checks) check()
    })
    child.stderr?.resume()
  }

  matching(what: RegExp): RegExpExecArray[] {
    return this.lines.map((line) => what.exec(line)).filter((match) => match !== null)
  }

  /** Resolves when so many lines match. */
  async until(what: RegExp, count = 1): Promise<RegExpExecArray[]> {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (this.matching(what).length >= count) resolve()
      }
      this.checks.push(check)
      check()
    })
    return this.matching(what)
  }
}

async function startServer(port: string, intervalMs = '100'): Promise<{ server: ChildProcess; output: Output; port: string }> {
  const server = heartbeat.start('server.js', '--port', port, '--interval-ms', intervalMs)
  const output = new Output(server)
  const [listening] = await output.until(/^listening on 127\.0\.0\.1:(\d+)$/)
  return { server, output, port: listening?.[1] as string }
}

describe('the handler that counts missed beats', () => {
  test('closes after three idle intervals in a row; anything that comes sets the count back', () => {
    const told: number[] = []
    const channel = new EmbeddedChannel(new IdleStateHandler({ readerIdleMs: 1000 }), new MissedBeatsHandler(3, (_ctx, missed) => told.push(missed)))
    channel.freezeTime()
    for (let round = 0; round < 4; round++) {
      channel.advanceTimeBy(2500) // two misses
      assert.ok(channel.isOpen)
      channel.writeInbound(Unpooled.copiedBuffer(Buffer.of(0))) // not even a whole message
    }
    channel.advanceTimeBy(2999)
    assert.deepEqual([channel.isOpen, told], [true, []])
    channel.advanceTimeBy(1)
    assert.deepEqual([channel.isOpen, told], [false, [3]])
    channel.finish()
  })

  test('leaves other events to the handlers behind it', () => {
    const events: unknown[] = []
    const handler = new MissedBeatsHandler(3, () => assert.fail('nothing was missed'))
    const channel = new EmbeddedChannel(handler, { userEventTriggered: (_ctx, event) => void events.push(event) })
    channel.pipeline.fireUserEventTriggered('hello').fireUserEventTriggered(IdleStateEvent.FIRST_WRITER_IDLE_STATE_EVENT)
    assert.deepEqual(events, ['hello', IdleStateEvent.FIRST_WRITER_IDLE_STATE_EVENT])
    channel.finish()
  })
})

test('the handler that beats does so when nothing was written, and leaves other silences to the handlers behind it', () => {
  const events: unknown[] = []
  const channel = new EmbeddedChannel(new BeatHandler(), { userEventTriggered: (_ctx, event) => void events.push(event) })
  const { FIRST_READER_IDLE_STATE_EVENT: reader, WRITER_IDLE_STATE_EVENT: writer } = IdleStateEvent
  channel.pipeline.fireUserEventTriggered(reader)
  assert.deepEqual([channel.outboundMessages.length, events], [0, [reader]])
  channel.pipeline.fireUserEventTriggered(writer)
  assert.deepEqual([channel.outboundMessages.length, events], [1, [reader]])
  channel.finishAndReleaseAll()
})

describe('the heartbeat example', () => {
  test('a client that beats stays, one that is stopped is closed after three missed beats, and comes back when it goes on', async () => {
    const { server, output, port } = await startServer('0', '200')
    const beating = heartbeat.start('client.js', '--port', port, '--beat-ms', '50')
    const stopped = heartbeat.start('client.js', '--port', port, '--beat-ms', '50', '--min-delay-ms', '50')
    const stoppedSays = new Output(stopped)
    await output.until(/ says hello from client 0$/, 2)
    stopped.kill('SIGSTOP')
    await output.until(/ missed 3 beats in a row and is closed$/)
    stopped.kill('SIGCONT')
    await stoppedSays.until(/^client 0 is connected again after \d+ ms$/)
    await output.until(/ says hello from client 0$/, 3)
    assert.equal(output.matching(/ missed /).length, 1, output.lines.join('\n'))
    const exits = [beating, stopped].map((child) => once(child, 'exit'))
    beating.kill('SIGTERM')
    stopped.kill('SIGTERM')
    assert.deepEqual(await Promise.all(exits), [[0, null], [0, null]])
    await heartbeat.stop(server)
  })

  test('the server is killed and started again: all of 200 clients come back, spread over the time', async (t) => {
    const first = await startServer('0', '2000')
    const client = heartbeat.start('client.js', '--port', first.port, '--clients', '200', '--beat-ms', '500', '--min-delay-ms', '1000', '--max-delay-ms', '4000')
    const says = new Output(client)
    await says.until(/^client \d+ is connected$/, 200)
    await first.output.until(/ says hello from client \d+$/, 200)
    const killed = once(first.server, 'exit')
    first.server.kill('SIGKILL')
    await killed
    await says.until(/^client \d+ lost its connection$/, 200)
    const second = await startServer(first.port, '2000')
    const back = await says.until(/^client (\d+) is connected again after (\d+) ms$/, 200)
    assert.equal(new Set(back.map((match) => match[1])).size, 200)
    await second.output.until(/ says hello from client \d+$/, 200)

    const times = back.map((match) => Number(match[2]))
    const buckets = histogram(times, 10)
    t.diagnostic(`reconnect times of 200 clients, ms: ${buckets.map(({ from, count }) => `${from}+: ${count}`).join(', ')}`)
    // the first delay is even over a second: were they not spread, one tenth of the time would hold nearly all
    const delays = says.matching(/tries again in (\d+) ms, attempt 2$/).map((match) => Number(match[1]))
    assert.ok(delays.length >= 200)
    for (const { from, count } of histogram(delays, 5)) assert.ok(count > 10 && count < 90, `${count} delays of ${delays.length} from ${from} ms on`)

    const exit = once(client, 'exit')
    client.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null])
    await heartbeat.stop(second.server)
  })
})

function histogram(values: readonly number[], parts: number): { from: number; count: number }[] {
  const step = Math.max(1, Math.ceil((Math.max(...values) + 1) / parts))
  return Array.from({ length: parts }, (_, part) => ({
    from: part * step,
    count: values.filter((value) => Math.floor(value / step) === part).length,
  }))
}
