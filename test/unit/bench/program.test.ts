import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import { Program, ProgramError } from '../../../../packages/bench/dist/program.js'

const run = (code: string): Program => new Program([process.execPath, '-e', code], { name: 'the child' })
const programError = (message: RegExp) => (error: unknown) => error instanceof ProgramError && message.test(error.message)

describe('Program', () => {
  test('gives the lines of a program one by one, the last also without a line break', async () => {
    const program = run("console.log('a'); process.stdout.write('b')")
    assert.equal(await program.nextLine(), 'a')
    assert.deepEqual(await program.end(), ['b'])
  })

  test('passes on what a failed program wrote to standard error', async () => {
    await assert.rejects(run("console.error('no such peer'); process.exit(3)").end(), programError(/^the child ended with exit code 3\n +no such peer$/))
    await assert.rejects(run("console.error('why'); process.exit(0)").nextLine(), programError(/^the child ended with exit code 0 without a further line\n +why$/))
  })

  test('rejects when a program says nothing for too long', async () => {
    const program = run('setInterval(() => {}, 1000)')
    await assert.rejects(program.nextLine(50), programError(/^the child said nothing for 50 ms$/))
    await assert.rejects(program.end(50), programError(/^the child did not end, and said nothing for 50 ms$/))
    await program.stop()
  })

  test('waits on as long as a program says something, on either stream', async () => {
    const program = run("let n = 0; setInterval(() => { console.error('.'); if (++n === 8) process.exit(0) }, 150)")
    assert.deepEqual(await program.ending(1000), { lines: [], code: 0 })
  })

  test('says when a program cannot be started', async () => {
    const program = new Program(['/nowhere/at-all'], { name: 'the peer' })
    await assert.rejects(program.nextLine(), programError(/^the peer could not be started: .*ENOENT/))
    await program.stop()
  })

  test('stop() waits until the program is gone', async () => {
    const program = run('setInterval(() => {}, 1000)')
    await program.stop()
    await program.stop()
    assert.throws(() => process.kill(program.pid!, 0), { code: 'ESRCH' })
  })
})
