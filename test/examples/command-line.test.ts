import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const dist = path.resolve(import.meta.dirname, '../../../packages/examples/dist')

/** A program that runs tells of a wrong port and ends with code 2; one that does nothing ends with code 0. */
const WRONG = ['--port', 'x']

describe('a program of the examples', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'knotty-examples-'))

  before(() => {
    symlinkSync(dist, path.join(folder, 'linked'))
    symlinkSync(path.join(dist, 'time/server.js'), path.join(folder, 'time-server'))
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const [how, file] of Object.entries({
    'by its path': path.join(dist, 'time/server.js'),
    'without .js': path.join(dist, 'time/server'),
    'through a folder that is a symbolic link': path.join(folder, 'linked/time/server.js'),
    'through such a folder without .js': path.join(folder, 'linked/time/server'),
    'through a symbolic link of another name': path.join(folder, 'time-server'),
    'by a relative path': path.relative(process.cwd(), path.join(dist, 'time/server.js')),
  })) {
    test(`runs when it is started ${how}`, async () => {
      await assert.rejects(run(process.execPath, [file, ...WRONG]), { code: 2, stderr: '--port x: a whole number from 0 to 65535\n' })
    })
  }

  test('does not run when a program imports it', async () => {
    const importer = path.join(folder, 'importer.mjs')
    const code = `import('${pathToFileURL(path.join(dist, 'time/server.js')).href}')`
    writeFileSync(importer, `await ${code}\n`)
    for (const args of [[importer], ['--eval', code, '--'], ['--eval', code, 'no-such-file'], ['--eval', code, 'fs']]) {
      assert.deepEqual(await run(process.execPath, [...args, ...WRONG]), { stdout: '', stderr: '' })
    }
  })
})
