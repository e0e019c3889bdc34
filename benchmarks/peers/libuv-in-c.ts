import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { PEERS } from './folders.js'
import { run } from './run.js'
import { temporaryFolder } from './temporary-folder.js'
import type { EchoProtocol } from './peers.js'

let compiled: Promise<string | { readonly why: string }> | undefined

/**
 * The command of uv-echo.c, compiled on first use against the headers that lie beside this Node; or why there is none. It runs on
 * the libuv of this Node, whichever Node the other peers run on.
 */
export async function compileLibuvServer(protocol: EchoProtocol): Promise<readonly string[] | string> {
  compiled ??= compile()
  const addon = await compiled
  if (typeof addon !== 'string') return addon.why
  return ['env', `ECHO_PROTOCOL=${protocol}`, process.execPath, '-e', 'process.dlopen({ exports: {} }, process.argv[1])', addon]
}

/** The compiled addon, or why there is none. */
async function compile(): Promise<string | { readonly why: string }> {
  const headers = path.resolve(path.dirname(process.execPath), '../include/node')
  if (!existsSync(path.join(headers, 'uv.h'))) return { why: 'the C headers of this Node are not beside it (../include/node/uv.h)' }
  const version = ['MAJOR', 'MINOR', 'PATCH']
    .map((part) => new RegExp(`UV_VERSION_${part} (\\d+)`).exec(readFileSync(path.join(headers, 'uv/version.h'), 'utf8'))?.[1])
    .join('.')
  if (version !== process.versions.uv) return { why: `the C headers are of libuv ${version}, this Node has ${process.versions.uv}` }
  const addon = path.join(temporaryFolder(), 'uv-echo.node')
  const { code, stderr } = await run('cc', ['-O2', '-fPIC', '-shared', `-I${headers}`, path.join(PEERS, 'uv-echo.c'), '-o', addon])
  if (code === undefined) return { why: 'there is no C compiler (cc)' }
  return code === 0 ? addon : { why: `uv-echo.c does not compile: ${stderr.trim()}` }
}
