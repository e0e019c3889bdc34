// Packs every package that is published, as it would be published, and lets publint judge the result: what is missing from the
// tarball, what `exports` names that is not there, what a consumer could not resolve. Private packages are skipped.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { gunzipSync } from 'node:zlib'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = path.dirname(import.meta.dirname)
const readJson = (name) => JSON.parse(readFileSync(name, 'utf8'))

const pnpm = /\bpnpm@[\d.]+/.exec(readJson(path.join(root, 'package.json')).scripts.setup)?.[0]
if (pnpm === undefined) throw new Error('the setup script of package.json names no pnpm version')

const packages = readdirSync(path.join(root, 'packages'))
  .filter((folder) => existsSync(path.join(root, 'packages', folder, 'package.json')))
  .map((folder) => ({ folder, manifest: readJson(path.join(root, 'packages', folder, 'package.json')) }))
  .filter(({ manifest }) => manifest.private !== true)

/** The names in a packed tarball, without its leading `package/`: what pnpm lists leaves out files that it adds, as LICENSE. */
function namesIn(tarball) {
  const tar = gunzipSync(tarball)
  const names = []
  const field = (at, length) => tar.toString('utf8', at, at + length).replace(/\0.*$/s, '')
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    names.push(field(at, 100).replace(/^package\//, ''))
    at += 512 + Math.ceil(Number.parseInt(field(at + 124, 12), 8) / 512) * 512
  }
  return names
}

const target = mkdtempSync(path.join(tmpdir(), 'knotty-pack-'))
let count = 0
const report = (folder, text) => {
  count++
  console.error(`packages/${folder}/package.json: ${text}`)
}

try {
  const filters = packages.flatMap(({ manifest }) => ['--filter', manifest.name])
  const output = execFileSync('npx', ['--yes', pnpm, '--recursive', ...filters, 'pack', '--pack-destination', target, '--json'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const packed = new Map([JSON.parse(output)].flat().map((entry) => [entry.name, entry]))
  for (const { folder, manifest } of packages) {
    const entry = packed.get(manifest.name)
    if (entry === undefined) {
      report(folder, 'was not packed, pnpm pack left it out, see its output above')
      continue
    }
    const bytes = readFileSync(path.resolve(target, entry.filename))
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
    const published = pkg ?? manifest
    for (const message of messages) {
      if (message.type !== 'suggestion') report(folder, `${message.type}: ${formatMessage(message, published, { color: false })}`)
    }
    for (const [name, range] of Object.entries(published.dependencies ?? {})) {
      if (!/^(?:workspace|catalog|link|file):/.test(range)) continue
      report(folder, `publishes ${name} as ${range}, nobody else can resolve it, pack with pnpm`)
    }
    const names = namesIn(bytes)
    for (const needed of ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']) {
      if (!names.includes(needed)) report(folder, `publishes no ${needed}, users look for it, add the file (or to "files")`)
    }
    for (const name of names) {
      if (name.endsWith('.tsbuildinfo')) report(folder, `publishes ${name}, which only the compiler reads, exclude it in "files"`)
    }
  }
} finally {
  rmSync(target, { recursive: true })
}
console.log(`${packages.length} packages packed and checked, ${count} ${count === 1 ? 'problem' : 'problems'}`)
if (count > 0) process.exitCode = 1
