import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import type { EchoProtocol } from './echo-protocol.js'
import { PEERS } from './folders.js'
import { run } from './run.js'
import { temporaryFolder } from './temporary-folder.js'

let compiled: Promise<string | { readonly why: string }> | undefined

/**
 * The command of uv-echo.c, compiled on first use against the headers that lie beside this Node; or why there is none. It runs on
 * the libuv of this Node, whichever Node the other peers run on.
 */
export async function libuvCommand(protocol: EchoProtocol): Promise<readonly string[] | string> {
  compiled ??= compile()
  const addon = await compiled
  if (typeof addon !== 'string') return addon.why
  return ['env', `ECHO_PROTOCOL=${protocol}`, process.execPath, '-e', 'process.dlopen({ exports: {} }, process.argv[1])', addon]
}

/** The compiled addon, or why there is none. */
async function compile(): Promise<string | { readonly why: string }> {
  const headers = path.resolve(path.dirname(process.execPath), '../include/node')
  const versionFile = path.join(headers, 'uv/version.h')
  if (!existsSync(versionFile)) return { why: 'the C headers of this Node do not lie beside it (../include/node)' }
  const text = readFileSync(versionFile, 'utf8')
  const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) => new RegExp(`UV_VERSION_${part} (\\d+)`).exec(text)?.[1]).join('.')
  if (version !== process.versions.uv) return { why: `the C headers are those of libuv ${version}, this Node has ${process.versions.uv}` }
  const addon = path.join(temporaryFolder(), 'uv-echo.node')
  const ended = await run(['cc', '-O2', '-fPIC', '-shared', `-I${headers}`, path.join(PEERS, 'uv-echo.c'), '-o', addon])
  if (ended.ok) return addon
  return { why: ended.missing ? 'there is no C compiler (cc)' : `its server does not compile: ${ended.why}` }
}
