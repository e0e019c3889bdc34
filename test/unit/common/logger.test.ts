import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { afterEach, describe, test, type TestContext } from 'node:test'
import { getLogger, IllegalStateError, type Logger, setLogger } from '@knotty/common'

/** What the default logger writes to stderr while `log` runs. */
function written(t: TestContext, log: () => void): string {
  let text = ''
  const write = t.mock.method(process.stderr, 'write', (chunk: string) => {
    text += chunk
    return true
  })
  try {
    log()
  } finally {
    write.mock.restore()
  }
  return text
}

afterEach(() => setLogger(undefined))

describe('the default logger', () => {
  const told = process.versions['bun'] === undefined ? {} : { skip: 'debuglog of Bun does not tell' }
  test('says that warn and error go somewhere, and debug and info with NODE_DEBUG=knotty', told, () => {
    const levels = "['debug', 'info', 'warn', 'error']"
    const script = `import('@knotty/common').then(({ getLogger }) => console.log(...${levels}.map((level) => getLogger().isEnabled(level))))`
    for (const [debug, expected] of [['', 'false false true true'], ['knotty', 'true true true true'], ['http', 'false false true true']]) {
      const env = { ...process.env, NODE_DEBUG: debug, NODE_OPTIONS: '' }
      const { stdout } = spawnSync(process.execPath, ['-e', script], { env, encoding: 'utf8', cwd: import.meta.dirname })
      assert.equal(stdout.trim(), expected, debug)
    }
  })

  test('writes warn and error as one line on stderr', (t) => {
    assert.equal(written(t, () => getLogger().warn('careful')), 'knotty warn: careful\n')
    assert.equal(written(t, () => getLogger().error('broken')), 'knotty error: broken\n')
  })

  test('appends name, code and message of the error, where it was thrown, and what caused it', (t) => {
    const cause = new TypeError('no')
    const text = written(t, () => getLogger().warn('a write failed', new IllegalStateError('closed', { cause })))
    const place = '(at …)'
    const shown = text.replaceAll(/\(at .*?\)\)/g, place) // a frame ends in the brackets of its place
    const expected = `IllegalStateError [ERR_KNOTTY_ILLEGAL_STATE]: closed ${place}; caused by TypeError: no ${place}`
    assert.equal(shown, `knotty warn: a write failed: ${expected}\n`)
    assert.match(text, /logger\.test\.[jt]s:\d+/)
  })

  test('tells no place of an error of the network, and at most three causes', (t) => {
    const network = Object.assign(new Error('read ECONNRESET'), { errno: -104, code: 'ECONNRESET' })
    assert.equal(written(t, () => getLogger().error('failed', network)), 'knotty error: failed: Error [ECONNRESET]: read ECONNRESET\n')
    const circular = new Error('again')
    circular.cause = circular
    assert.equal(written(t, () => getLogger().error('failed', circular)).split('again').length, 5)
  })

  test('appends a thrown value that is no error', (t) => {
    assert.equal(written(t, () => getLogger().warn('failed', 'text')), 'knotty warn: failed: text\n')
    assert.equal(written(t, () => getLogger().warn('failed', null)), 'knotty warn: failed: null\n')
  })

  test('stays on one line whatever the error says', (t) => {
    assert.equal(written(t, () => getLogger().warn('failed', new Error('a\nknotty error: b'))).split('\n').length, 2)
  })

  test('lets no text of a peer start a line or drive a terminal, in message or error', (t) => {
    const hostile = 'a\r\nknotty error: forged\u001b[2J\u0085\u2028b'
    for (const log of [() => getLogger().warn(hostile), () => getLogger().warn('failed', new Error(hostile))]) {
      assert.match(written(t, log), /^knotty warn: [\u0020-\u007e]*\n$/)
    }
  })

  test('shows a value that cannot be made a string', (t) => {
    assert.match(written(t, () => getLogger().warn('failed', Object.create(null))), /^knotty warn: failed/)
  })

  test('shows debug and info only when NODE_DEBUG names knotty', () => {
    const code = "import { getLogger } from '@knotty/common'; getLogger().debug('one'); getLogger().info('two', new Error('x'))"
    const folder = path.resolve(import.meta.dirname, '../..')
    const stderrWith = (value: string): string =>
      spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, NODE_DEBUG: value },
      }).stderr
    assert.equal(stderrWith('other'), '')
    assert.match(stderrWith('knotty'), /^KNOTTY \d+: one\nKNOTTY \d+: two: Error: x \(at .*\)\n$/)
  })
})

describe('setLogger', () => {
  test('puts another logger in force until undefined brings the default back', (t) => {
    const lines: unknown[][] = []
    const add = (...line: unknown[]): void => void lines.push(line)
    const logger: Logger = { debug: add, info: add, warn: add, error: add }
    setLogger(logger)
    assert.equal(written(t, () => getLogger().error('broken', 1)), '')
    assert.deepEqual(lines, [['broken', 1]])
    setLogger(undefined)
    assert.match(written(t, () => getLogger().error('again')), /again/)
  })

  test('refuses a logger that lacks a method: its lines would be lost', () => {
    for (const logger of [{}, { debug() {}, info() {}, warn() {} }, 'pino']) {
      assert.throws(() => setLogger(logger as never), /logger\.(?:debug|error): undefined \(expected: a function\)/)
    }
  })
})
