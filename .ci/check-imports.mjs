// Checks what the packages import from one another, and a few rules of the tree that no compiler sees. Prints one line per
// problem, `file:line: what, why, what to do`, and exits 1 when there is one. The rules are exported for their own test.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import process from 'node:process'

/**
 * The drawing of the package map: folder -> the folders it may import, everything below those included. `codec-*` stands for
 * every folder of that form without a line of its own. An arrow is added here and in the drawing, nowhere else.
 */
export const ARROWS = {
  common: [],
  buffer: ['common'],
  transport: ['buffer'],
  codec: ['transport'],
  handler: ['transport'],
  'codec-*': ['codec'],
  rpc: ['codec', 'handler'],
  'rpc-dubbo': ['rpc', 'codec-hessian2'],
  'rpc-bolt': ['rpc'],
  'registry-*': ['rpc'],
  testing: ['transport', 'codec'],
  bench: ['testing'],
  knotty: ['common', 'buffer', 'transport', 'codec', 'handler'],
  examples: ['*'],
}

/** Packages that import node:*, their arrows and CORE_LIBRARIES, and nothing else. */
const CORE = new Set(['common', 'buffer', 'transport', 'codec', 'handler', 'knotty'])
const CORE_LIBRARIES = new Set(['denque', 'fast-fifo', 'eventemitter3'])
/** Workspace projects that nothing may import. */
const LEAVES = new Set(['examples', 'test', 'benchmarks'])
/** The only folder that makes sockets and touches handles. */
const SOCKET_FOLDER = 'packages/transport/src/socket/'
/** What the CLOSE_WAIT story compares with: a server on node:net alone. */
const NET_SERVER = 'packages/examples/src/close-wait/node-server.ts'
/** What other folders may take from node:net: it makes no socket. */
const HARMLESS_NET_NAMES = new Set(['BlockList', 'isIP'])
const MAX_LINES = 400

/** `packages/<folder>` -> the name others import it by. */
export function packageName(folder) {
  return folder === 'knotty' ? 'knotty' : `@knotty/${folder}`
}

function arrowsOf(folder) {
  if (Object.hasOwn(ARROWS, folder)) return ARROWS[folder]
  const family = Object.keys(ARROWS).find((key) => key.endsWith('*') && folder.startsWith(key.slice(0, -1)))
  return family === undefined ? undefined : ARROWS[family]
}

/** True when an arrow, or a chain of arrows, leads from one package folder to the other. */
export function mayImport(from, to) {
  if (from === to || LEAVES.has(to)) return false
  const seen = new Set()
  const open = [...(arrowsOf(from) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === to || next === '*') return true
    if (seen.has(next)) continue
    seen.add(next)
    open.push(...(arrowsOf(next) ?? []))
  }
  return false
}

const REGEXP_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|await|yield))\s*$/

/**
 * The code with comments blanked and the content of strings, templates and regular expressions replaced by `_`: same length, same
 * lines, so that a position found here is the position in the original. With `keepText` only the comments go.
 */
export function mask(code, keepText = false) {
  let out = ''
  let i = 0
  const templateDepths = [] // one entry per open `${`: how many { are open inside it
  const hide = (text) => (keepText ? text : text.replace(/[^\n]/g, '_'))
  const templateText = () => {
    const start = i
    while (i < code.length && code[i] !== '`' && !(code[i] === '$' && code[i + 1] === '{')) i += code[i] === '\\' ? 2 : 1
    out += hide(code.slice(start, i))
    if (code[i] === '`') {
      out += '`'
      i++
    } else if (i < code.length) {
      out += '${'
      i += 2
      templateDepths.push(0)
    }
  }
  while (i < code.length) {
    const c = code[i]
    if (c === '/' && (code[i + 1] === '/' || code[i + 1] === '*')) {
      const line = code[i + 1] === '/'
      const found = code.indexOf(line ? '\n' : '*/', i + 2)
      const end = found < 0 ? code.length : line ? found : found + 2
      out += code.slice(i, end).replace(/[^\n]/g, ' ')
      i = end
    } else if (c === "'" || c === '"') {
      let end = i + 1
      while (end < code.length && code[end] !== c && code[end] !== '\n') end += code[end] === '\\' ? 2 : 1
      out += c + hide(code.slice(i + 1, end))
      if (code[end] === c) out += c
      i = end + 1
      if (code[end] === '\n') out += '\n'
    } else if (c === '`') {
      out += c
      i++
      templateText()
    } else if (c === '/' && REGEXP_MAY_FOLLOW.test(out.slice(-200))) {
      let end = i + 1
      let inClass = false
      while (end < code.length && code[end] !== '\n' && (inClass || code[end] !== '/')) {
        if (code[end] === '[') inClass = true
        else if (code[end] === ']') inClass = false
        end += code[end] === '\\' ? 2 : 1
      }
      out += c + hide(code.slice(i + 1, end))
      if (code[end] === '/') out += '/'
      else if (code[end] === '\n') out += '\n'
      i = end + 1
    } else {
      const depth = templateDepths.length - 1
      if (c === '{' && depth >= 0) templateDepths[depth]++
      out += c
      i++
      if (c === '}' && depth >= 0 && templateDepths[depth]-- === 0) {
        templateDepths.pop()
        templateText()
      }
    }
  }
  return out
}

const STATIC_IMPORT = /(?<![.\w$#])import(?![\w$])([\w$*{},\s]*?)(['"])(_*)\2/gd
const REEXPORT = /(?<![.\w$#])export\s+(?:type\s+)?(\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})\s*from\s*(['"])(_*)\2/gd
const DYNAMIC_IMPORT = /(?<![.\w$#])(?:import|require)\s*\(\s*(?:(['"`])(_*)\1|(?=[^'"`\s]|`))/gd

function lineAt(code, index) {
  let line = 1
  for (let i = code.indexOf('\n'); i >= 0 && i < index; i = code.indexOf('\n', i + 1)) line++
  return line
}

function importedNames(clause) {
  const braces = /\{([^}]*)\}/.exec(clause)
  const names = (braces?.[1] ?? '').split(',').map((part) => part.trim().replace(/^type\s+/, '').split(/\s+as\s+/)[0])
  const outside = clause.replace(/\{[^}]*\}/, '').replace(/\b(?:type|from)\b/g, '').replace(/[,\s]+/g, ' ').trim()
  return [...(outside === '' ? [] : [outside.startsWith('*') ? '*' : 'default']), ...names.filter((name) => name !== '')]
}

/**
 * Every import of the code: `{ specifier, names, line }`, in order of the lines. `names` are the imported ones, `*` for all of
 * them; `specifier` is undefined where a dynamic import computes it.
 */
export function findImports(code) {
  const masked = mask(code)
  const found = []
  const add = (match, group, names) => {
    const range = match.indices[group]
    found.push({ specifier: range === undefined ? undefined : code.slice(...range), names, line: lineAt(code, match.index) })
  }
  for (const match of masked.matchAll(STATIC_IMPORT)) add(match, 3, importedNames(match[1]))
  for (const match of masked.matchAll(REEXPORT)) add(match, 3, match[1].startsWith('*') ? ['*'] : importedNames(match[1]))
  for (const match of masked.matchAll(DYNAMIC_IMPORT)) add(match, 2, ['*'])
  return found.sort((a, b) => a.line - b.line)
}

function targetOf(specifier) {
  const [, name, rest] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(specifier) ?? [undefined, specifier]
  const folder = name === 'knotty' ? 'knotty' : name.startsWith('@knotty/') ? name.slice('@knotty/'.length) : undefined
  return { name, rest, folder }
}

function checkKnottyImport(folder, { name, rest, folder: to }) {
  if (to === folder) return `imports its own package ${name}, which loads it through its public entry, import the file by relative path`
  if (LEAVES.has(to)) return `imports ${name}, which nothing may depend on, move what is shared into a package below`
  if (rest !== undefined) {
    return `imports ${name}${rest}, other packages are reached through their entry only, import ${name} and export the name there`
  }
  if (arrowsOf(folder) === undefined) {
    return `imports ${name} but packages/${folder} is in no arrow, add it to ARROWS in .ci/check-imports.mjs and to the drawing`
  }
  if (!mayImport(folder, to)) {
    return `imports ${name}, no arrow leads from ${folder} to ${to}, move the code to the package that may, or change the drawing`
  }
  return undefined
}

function checkNodeImport(file, { specifier, names }) {
  if (!specifier.startsWith('node:')) return `imports ${specifier}, built-in modules carry their prefix here, write node:${specifier}`
  if (specifier !== 'node:net' || file.startsWith(SOCKET_FOLDER) || file === NET_SERVER) return undefined
  if (names.length > 0 && names.every((name) => HARMLESS_NET_NAMES.has(name))) return undefined
  return `imports node:net, only ${SOCKET_FOLDER} makes sockets (elsewhere BlockList and isIP alone), go through the transport package`
}

function checkImport(folder, file, found) {
  const { specifier } = found
  if (specifier === undefined) {
    return CORE.has(folder) ? 'computes what it imports, so no rule can see it, write the module name as a literal' : undefined
  }
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier)
    if (target.startsWith(`packages/${folder}/src/`)) return undefined
    return `imports ${specifier}, which leaves packages/${folder}/src, import the other package by its name`
  }
  if (isBuiltin(specifier)) return checkNodeImport(file, found)
  const target = targetOf(specifier)
  if (target.folder !== undefined) return checkKnottyImport(folder, target)
  if (CORE.has(folder) && !CORE_LIBRARIES.has(specifier)) {
    return `imports ${specifier}, core packages take node:*, their arrows and ${[...CORE_LIBRARIES].join(', ')} only, do without it`
  }
  return undefined
}

const FORBIDDEN_FORMS = [
  [/(?<![.\w$#])export\s+(?:type\s+)?\*/g, 'has an export *, which hides what the package exports, list the names'],
  [/(?<![.\w$#])export\s+default\b/g, 'has a default export, names are exported here so that they are the same everywhere, name it'],
  [/(?<![.\w$#])export\s*(?=\{)[^}]*?(?:\bas\s+default\b|[{,]\s*default\s*[,}])/g, 'has a default export, export it by its name'],
]
const HANDLE_FORMS = [
  [/\bprocess\s*(?:\?\.|\.)\s*binding\b|\bprocess\s*(?:\?\.\s*)?\[\s*['"`]_{7}['"`]\s*\]/g, 'uses process.binding'],
  [/(?:\?\.|\.)\s*_handle\b/g, 'touches a _handle'],
]

/** The problems of one source file, each as `{ file, line, message }`; `file` is relative to the root, with `/`. */
export function checkSource(file, code) {
  const folder = file.split('/')[1]
  const masked = mask(code)
  const problems = []
  const add = (line, message) => problems.push({ file, line, message })
  for (const found of findImports(code)) {
    const message = checkImport(folder, file, found)
    if (message !== undefined) add(found.line, message)
  }
  for (const [form, message] of FORBIDDEN_FORMS) for (const match of masked.matchAll(form)) add(lineAt(code, match.index), message)
  for (const [form, what] of file.startsWith(SOCKET_FOLDER) ? [] : HANDLE_FORMS) {
    for (const match of masked.matchAll(form)) {
      if (match[0].includes('[') && !code.slice(match.index, match.index + match[0].length).includes('binding')) continue
      add(lineAt(code, match.index), `${what}, a wrong argument there aborts the process, keep it in ${SOCKET_FOLDER}`)
    }
  }
  const lines = code.split('\n').length - (code.endsWith('\n') ? 1 : 0)
  if (lines > MAX_LINES) add(lines, `has ${lines} lines, above ${MAX_LINES} a file holds more than one concept, split it`)
  return problems
}

/**
 * Compares one package's manifest and tsconfig references with what its sources import. `sources` are `{ file, code }`; the
 * references are the folders behind `../<folder>`.
 */
export function checkManifest(folder, manifest, references, sources) {
  const file = `packages/${folder}/package.json`
  const problems = []
  const add = (where, line, message) => problems.push({ file: where, line, message })
  const listed = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }))
  if (arrowsOf(folder) === undefined) {
    add(file, 1, `packages/${folder} is in no arrow, so nothing limits it, add it to ARROWS in .ci/check-imports.mjs and to the drawing`)
  }
  if (manifest.name !== packageName(folder)) add(file, 1, `is named ${manifest.name}, the folder says ${packageName(folder)}, rename one`)
  const imported = new Map()
  for (const source of sources) {
    for (const { specifier, line } of findImports(source.code)) {
      if (specifier === undefined || specifier.startsWith('.') || isBuiltin(specifier)) continue
      const { name } = targetOf(specifier)
      if (!imported.has(name)) imported.set(name, { file: source.file, line })
    }
  }
  for (const [name, at] of imported) {
    if (name === manifest.name || listed.has(name)) continue
    add(at.file, at.line, `imports ${name}, which ${file} does not list, add it to "dependencies"`)
  }
  for (const name of listed) {
    const to = targetOf(name).folder
    if (to === undefined) continue
    if (!imported.has(name)) {
      add(file, 1, `lists ${name}, nothing in packages/${folder}/src imports it, remove it here and in tsconfig.json`)
    }
    if (!references.includes(to)) {
      add(`packages/${folder}/tsconfig.json`, 1, `has no reference to ../${to} though package.json lists ${name}, add the reference`)
    }
  }
  for (const to of references) {
    if (listed.has(packageName(to))) continue
    add(`packages/${folder}/tsconfig.json`, 1, `refers to ../${to} but package.json does not list ${packageName(to)}, make the two agree`)
  }
  return problems
}

const MACHINE_TEXT = [
  [/\b(?:registry\.(?:npmjs|yarnpkg|npmmirror)|npm\.pkg\.github)\b/gi, 'names a package registry'],
  [/(?<![\w.~$}-])\/(?:work|root|(?:home|Users)\/[\w.-]+)\//g, 'names a path of one machine'],
]

/** Problems of one tracked text file: registry hosts, paths of one machine, and any address in the lockfile. */
export function checkText(file, text) {
  const problems = []
  const add = (index, message) => problems.push({ file, line: lineAt(text, index), message })
  for (const [form, what] of MACHINE_TEXT) {
    for (const match of text.matchAll(form)) add(match.index, `${what} (${match[0]}), which other machines do not have, remove it`)
  }
  if (path.posix.basename(file) === '.npmrc') {
    for (const match of text.matchAll(/^.*(?:registry\s*=|_auth).*$/gm)) {
      add(match.index, 'sets a registry, which is for each machine to choose, remove it')
    }
  }
  if (path.posix.basename(file) === 'pnpm-lock.yaml') {
    for (const match of text.matchAll(/:\/\//g)) {
      add(match.index, 'holds an address, other machines use other registries, write it again with lockfileIncludeTarballUrl: false')
    }
  }
  return problems
}

const root = path.dirname(import.meta.dirname)
const slashes = (name) => name.split(path.sep).join('/')

function filesBelow(folder, skip = new Set()) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skip.has(entry.name)) return []
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    return entry.isDirectory() ? filesBelow(name, skip) : entry.isFile() ? [name] : []
  })
}

/** What git tracks or would track; without git everything but what is built or installed. */
function trackedFiles() {
  try {
    const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return [...new Set(list.split('\0'))].filter((name) => name !== '' && existsSync(path.join(root, name)))
  } catch {
    return filesBelow('', new Set(['.git', 'node_modules', 'dist']))
  }
}

function readJson(name) {
  return JSON.parse(mask(readFileSync(path.join(root, name), 'utf8'), true))
}

function checkTree() {
  const problems = []
  const built = new Set((readJson('tsconfig.json').references ?? []).map((reference) => slashes(path.normalize(reference.path))))
  for (const folder of readdirSync(path.join(root, 'packages'))) {
    const base = `packages/${folder}`
    if (!existsSync(path.join(root, base, 'package.json'))) continue
    if (!built.has(base)) {
      problems.push({ file: 'tsconfig.json', line: 1, message: `has no reference to ${base}, so nothing builds it, add the reference` })
    }
    const sources = filesBelow(`${base}/src`)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => ({ file, code: readFileSync(path.join(root, file), 'utf8') }))
    const references = (readJson(`${base}/tsconfig.json`).references ?? []).map(({ path: to }) => slashes(to).replace(/^\.\.\/|\/$/g, ''))
    for (const { file, code } of sources) problems.push(...checkSource(file, code))
    problems.push(...checkManifest(folder, readJson(`${base}/package.json`), references, sources))
  }
  for (const file of trackedFiles()) {
    const bytes = readFileSync(path.join(root, file))
    if (!bytes.subarray(0, 8192).includes(0)) problems.push(...checkText(file, bytes.toString('utf8')))
  }
  return problems
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === import.meta.filename) {
  const problems = checkTree()
  for (const { file, line, message } of problems) console.error(`${file}:${line}: ${message}`)
  if (problems.length > 0) {
    console.error(`${problems.length} import or tree ${problems.length === 1 ? 'problem' : 'problems'}`)
    process.exitCode = 1
  }
}
