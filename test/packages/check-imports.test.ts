import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

interface Problem {
  readonly file: string
  readonly line: number
  readonly message: string
}

interface Rules {
  mask(code: string, keepText?: boolean): string
  mayImport(from: string, to: string): boolean
  findImports(code: string): { specifier: string | undefined; names: string[]; line: number }[]
  checkSource(file: string, code: string): Problem[]
  checkManifest(folder: string, manifest: object, references: string[], sources: { file: string; code: string }[]): Problem[]
  checkText(file: string, text: string): Problem[]
}

// The rules stay plain JavaScript, so that they run before anything is built; a computed address keeps the compiler out of it.
const rules = (await import(new URL('../../../.ci/check-imports.mjs', import.meta.url).href)) as Rules

/** The one problem of a one-file package; fails when there are none or several. */
function onlyProblem(file: string, code: string): Problem {
  const problems = rules.checkSource(file, code)
  assert.equal(problems.length, 1, JSON.stringify(problems))
  return problems[0]!
}

function assertClean(file: string, code: string): void {
  assert.deepEqual(rules.checkSource(file, code), [])
}

const CODEC = 'packages/codec/src/frame.ts'
const TRANSPORT = 'packages/transport/src/channel/channel.ts'
const SOCKET = 'packages/transport/src/socket/net/socket-channel.ts'

describe('mask', () => {
  test('keeps the length and the lines of the code', () => {
    const code = "const a = `x${ { b: '}' }.b }y` // it's\nconst r = /[/'\"]/g /* ` */\nconst q = a / 2 / 'z'.length\n"
    const masked = rules.mask(code)
    assert.equal(masked.length, code.length)
    assert.deepEqual(masked.split('\n').map((line) => line.length), code.split('\n').map((line) => line.length))
    assert.equal(masked.split('\n')[2], "const q = a / 2 / '_'.length")
  })

  test('keeps what strings hold when asked and blanks the comments alone', () => {
    assert.equal(rules.mask('{ "a": "//b" } // c', true), '{ "a": "//b" }     ')
  })
})

describe('findImports', () => {
  test('finds every form of import with its line and its names', () => {
    const code = [
      "import Denque from 'denque'",
      "import { type A, b as c } from './a.js'",
      'import type {',
      '  D,',
      "} from '@knotty/buffer'",
      "import * as all from 'node:fs'",
      "import 'side-effect'",
      "export { e } from './e.js'",
      "const late = await import('./late.js')",
      "type F = import('@knotty/common').Future",
      "const g = require('g')",
      'const h = import(name)',
    ].join('\n')
    assert.deepEqual(rules.findImports(code), [
      { specifier: 'denque', names: ['default'], line: 1 },
      { specifier: './a.js', names: ['A', 'b'], line: 2 },
      { specifier: '@knotty/buffer', names: ['D'], line: 3 },
      { specifier: 'node:fs', names: ['*'], line: 6 },
      { specifier: 'side-effect', names: [], line: 7 },
      { specifier: './e.js', names: ['e'], line: 8 },
      { specifier: './late.js', names: ['*'], line: 9 },
      { specifier: '@knotty/common', names: ['*'], line: 10 },
      { specifier: 'g', names: ['*'], line: 11 },
      { specifier: undefined, names: ['*'], line: 12 },
    ])
  })

  test('sees no import in comments, strings, templates, members and import.meta', () => {
    const code = [
      "// import a from 'a'",
      "/** import('b') */",
      "const text = \"import c from 'c'\"",
      "const template = `import d from 'd' ${text} export * from 'e'`",
      "loader.import('f')",
      "const folder = import.meta.dirname + 'g'",
      "const key = { import: 'h' }",
      "const pattern = /import i from 'i'/",
    ].join('\n')
    assert.deepEqual(rules.findImports(code), [])
  })

  test('sees an import inside the hole of a template', () => {
    assert.equal(rules.findImports("const a = `${(await import('b')).c}`")[0]?.specifier, 'b')
  })
})

describe('arrows', () => {
  test('an arrow and a chain of arrows may be followed downward only', () => {
    assert.equal(rules.mayImport('codec', 'transport'), true)
    assert.equal(rules.mayImport('codec', 'common'), true)
    assert.equal(rules.mayImport('rpc-dubbo', 'codec-hessian2'), true)
    assert.equal(rules.mayImport('registry-etcd', 'rpc'), true)
    assert.equal(rules.mayImport('codec-protobuf', 'buffer'), true)
    assert.equal(rules.mayImport('common', 'buffer'), false)
    assert.equal(rules.mayImport('transport', 'codec'), false)
    assert.equal(rules.mayImport('rpc-bolt', 'codec-hessian2'), false)
    assert.equal(rules.mayImport('no-such-package', 'common'), false)
  })

  test('codec and handler do not know each other', () => {
    assert.equal(rules.mayImport('codec', 'handler'), false)
    assert.equal(rules.mayImport('handler', 'codec'), false)
    assert.match(onlyProblem(CODEC, "import { A } from '@knotty/handler'").message, /no arrow leads from codec to handler/)
  })

  test('examples may import any package and no package imports examples, test or benchmarks', () => {
    assert.equal(rules.mayImport('examples', 'rpc'), true)
    for (const leaf of ['examples', 'test', 'benchmarks']) {
      assert.match(onlyProblem(CODEC, `import { A } from '@knotty/${leaf}'`).message, /nothing may depend on/)
    }
    assert.match(onlyProblem(CODEC, "import { A } from '../../../test/support/a.js'").message, /leaves packages\/codec\/src/)
  })
})

describe('checkSource', () => {
  test('names file and line of the problem', () => {
    const problem = onlyProblem(CODEC, "import a from 'node:fs'\n\nimport { B } from '@knotty/handler'\n")
    assert.deepEqual([problem.file, problem.line], [CODEC, 3])
  })

  test('accepts node modules, allowed packages and files of the same package', () => {
    assertClean(CODEC, "import fs from 'node:fs'\nimport { B } from '@knotty/buffer'\nimport { c } from './a/c.js'\nexport { c }\n")
  })

  test('refuses deep imports and the own package by name', () => {
    assert.match(onlyProblem(CODEC, "import { A } from '@knotty/buffer/dist/a.js'").message, /through their entry only/)
    assert.match(onlyProblem(CODEC, "import { A } from '@knotty/codec'").message, /imports its own package/)
  })

  test('lets core packages import three libraries and no other', () => {
    for (const name of ['denque', 'fast-fifo', 'eventemitter3']) assertClean(TRANSPORT, `import A from '${name}'`)
    assert.match(onlyProblem(TRANSPORT, "import A from 'lodash'").message, /core packages take/)
    assert.match(onlyProblem(TRANSPORT, "import A from 'denque/deep.js'").message, /core packages take/)
    assertClean('packages/codec-protobuf/src/a.ts', "import A from 'protobufjs'")
  })

  test('refuses a computed import in a core package', () => {
    assert.match(onlyProblem(TRANSPORT, 'const a = await import(`node:${name}`)').message, /computes what it imports/)
  })

  test('asks for the prefix of built-in modules', () => {
    assert.match(onlyProblem(TRANSPORT, "import fs from 'fs'").message, /write node:fs/)
  })

  test('keeps node:net in the socket folder, BlockList and isIP apart', () => {
    assertClean(SOCKET, "import net from 'node:net'")
    assertClean(TRANSPORT, "import { BlockList, isIP } from 'node:net'")
    for (const clause of ['net', '* as net', '{ isIP, createServer }', 'type { Socket }']) {
      assert.match(onlyProblem(TRANSPORT, `import ${clause} from 'node:net'`).message, /only packages\/transport\/src\/socket\/ makes/)
    }
    assert.match(onlyProblem(TRANSPORT, "import 'node:net'").message, /makes sockets/)
    assert.match(onlyProblem(TRANSPORT, "export { Socket } from 'node:net'").message, /makes sockets/)
  })

  test('keeps handles in the socket folder', () => {
    for (const code of ["process.binding('tcp_wrap')", "process['binding']('tcp_wrap')", 'socket._handle.readStop()']) {
      assert.match(onlyProblem(TRANSPORT, code).message, /aborts the process/)
      assertClean(SOCKET, code)
    }
    assertClean(TRANSPORT, "process['version'] // process.binding")
  })

  test('refuses default exports and export *', () => {
    for (const code of ['export default class A {}', 'export { a as default }', "export { default } from './a.js'"]) {
      assert.match(onlyProblem(CODEC, code).message, /has a default export/)
    }
    for (const code of ["export * from './a.js'", "export * as a from './a.js'", "export type * from './a.js'"]) {
      assert.match(onlyProblem(CODEC, code).message, /has an export \*/)
    }
    assertClean(CODEC, "export { default as Denque } from './denque.js'\nexport const defaults = 1\n")
  })

  test('refuses a file of more than 400 lines and says how many it has', () => {
    assertClean(CODEC, 'a\n'.repeat(400))
    assert.match(onlyProblem(CODEC, 'a\n'.repeat(401)).message, /has 401 lines/)
  })
})

describe('checkManifest', () => {
  const code = "import type { B } from '@knotty/buffer'\nimport { C } from '@knotty/common'\nimport fs from 'node:fs'"
  const sources = [{ file: CODEC, code }]
  const manifest = { name: '@knotty/codec', dependencies: { '@knotty/buffer': 'workspace:*', '@knotty/common': 'workspace:*' } }

  test('is content when sources, dependencies and references agree', () => {
    assert.deepEqual(rules.checkManifest('codec', manifest, ['common', 'buffer'], sources), [])
  })

  test('reports a dependency that is not listed where it is imported', () => {
    const less = { ...manifest, dependencies: { '@knotty/common': 'workspace:*' } }
    const problems = rules.checkManifest('codec', less, ['common'], sources)
    assert.deepEqual(problems.map(({ file, line }) => [file, line]), [[CODEC, 1]])
    assert.match(problems[0]!.message, /imports @knotty\/buffer, which packages\/codec\/package\.json does not list/)
  })

  test('reports a listed package that nothing imports', () => {
    const more = { ...manifest, dependencies: { ...manifest.dependencies, '@knotty/transport': 'workspace:*' } }
    const problems = rules.checkManifest('codec', more, ['common', 'buffer', 'transport'], sources)
    assert.equal(problems.length, 1)
    assert.match(problems[0]!.message, /lists @knotty\/transport, nothing in packages\/codec\/src imports it/)
  })

  test('reports references that are missing or too many', () => {
    const problems = rules.checkManifest('codec', manifest, ['common', 'transport'], sources)
    assert.equal(problems.length, 2)
    assert.match(problems[0]!.message, /has no reference to \.\.\/buffer/)
    assert.match(problems[1]!.message, /refers to \.\.\/transport/)
  })

  test('reports a package that no arrow knows and one with the name of another', () => {
    const problems = rules.checkManifest('quic', { name: '@knotty/quick' }, [], [])
    assert.equal(problems.length, 2)
    assert.match(problems[0]!.message, /is in no arrow/)
    assert.match(problems[1]!.message, /the folder says @knotty\/quic/)
  })
})

describe('checkText', () => {
  test('finds registry hosts and paths of one machine', () => {
    const host = ['registry', 'npmjs', 'org'].join('.')
    assert.match(rules.checkText('docs/a.md', `one\nsee https://${host}/knotty`)[0]!.message, /names a package registry/)
    assert.equal(rules.checkText('docs/a.md', `one\nsee https://${host}/knotty`)[0]!.line, 2)
    for (const folder of ['work', 'root', 'home/somebody', 'Users/somebody']) {
      assert.match(rules.checkText('a.ts', `cd ${['', folder, 'x'].join('/')}`)[0]!.message, /a path of one machine/)
    }
  })

  test('lets relative paths and other addresses pass', () => {
    assert.deepEqual(rules.checkText('a.md', 'packages/work/x, ./work/x, https://nodejs.org/api/net.html, /tmp/x.sock, /proc/net/tcp'), [])
  })

  test('finds an address in the lockfile and a registry in .npmrc', () => {
    assert.match(rules.checkText('pnpm-lock.yaml', 'a\n  tarball: https://x/y.tgz')[0]!.message, /holds an address/)
    assert.match(rules.checkText('.npmrc', `update-notifier=false\n@knotty:${'registry'}=x`)[0]!.message, /sets a registry/)
    assert.deepEqual(rules.checkText('.npmrc', 'update-notifier=false\n'), [])
  })
})
