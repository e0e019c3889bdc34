import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { eventually } from '@knotty/testing'
import { ExampleProcesses } from '../support/example-process.js'

const story = new ExampleProcesses('close-wait')

after(() => story.killAll())

describe('the CLOSE_WAIT story', { skip: existsSync('/proc/net/tcp') ? false : 'the kernel tells of sockets in /proc only on Linux' }, () => {
  test('node:net keeps each connection that could not be registered, Knotty none', async () => {
    const { output, errors, code } = await story.run('story.js', '', '--connections', '4')
    assert.deepEqual({ errors, code }, { errors: '', code: 0 }, output)
    const left = new Map([...output.matchAll(/^(\S+) +sockets left in CLOSE_WAIT: (\d+)$/gm)].map(([, name, count]) => [name, Number(count)]))
    assert.equal(left.get('node:net'), 3)
    assert.equal(left.get('Knotty'), 0)
    // where Java and Debian's libnetty-java are present
    if (left.has('Netty')) assert.equal(left.get('Netty'), 3)
    else assert.ok(output.includes('Netty is left out'), output)
  })

  test('a Knotty server with the fault serves its first client and refuses the others with a reason', async () => {
    const { server, port } = await story.listening(story.start('knotty-server.js', '--port', '0'))
    let told = ''
    server.stderr?.on('data', (text: Buffer) => (told += text.toString()))
    const { output, code } = await story.run('client.js', '', '--port', port, '--connections', '3')
    assert.deepEqual({ output, code }, { output: '3 connections opened and closed\n', code: 0 })
    await story.stop(server)
    assert.equal(told.match(/^refused: /gm)?.length, 2, told)
  })

  test('ends its servers with itself when a signal ends it', async () => {
    const program = story.start('story.js', '--connections', '2')
    const exit = once(program, 'exit')
    const children = (): string[] => readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8').split(' ').filter(Boolean)
    await eventually(() => assert.ok(children().length > 0))
    const [server] = children()
    program.kill('SIGTERM')
    assert.deepEqual(await exit, [143, null])
    await eventually(() => assert.equal(existsSync(`/proc/${server}`), false))
  })
})
