import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { PEERS } from './folders.js'
import { run } from './run.js'
import { temporaryFolder } from './temporary-folder.js'
import type { EchoProtocol } from './peers.js'

/** Where Debian's libnetty-java puts its jars. */
const JARS = '/usr/share/java'
const MISSING = 'it needs a JDK and Netty\'s jars (Debian: default-jdk-headless, libnetty-java)'

let compiled: Promise<string | { readonly why: string }> | undefined

/** The command of NettyEchoServer.java, compiled on first use; or why there is none. */
export async function compileNettyServer(protocol: EchoProtocol): Promise<readonly string[] | string> {
  compiled ??= compile()
  const classPath = await compiled
  return typeof classPath === 'string' ? ['java', '-Xmx512m', '-cp', classPath, 'NettyEchoServer', protocol] : classPath.why
}

/** The class path of the compiled server, or why there is none. */
async function compile(): Promise<string | { readonly why: string }> {
  // Of each jar there are two names, with the version and without.
  const jars = existsSync(JARS) ? readdirSync(JARS).filter((name) => /^netty-[a-z-]+\.jar$/.test(name) && name !== 'netty-all.jar') : []
  if (jars.length === 0) return { why: `no Netty in ${JARS}: ${MISSING}` }
  const classPath = [...jars.map((name) => path.join(JARS, name)), temporaryFolder()].join(':')
  const { code, stderr } = await run('javac', ['-cp', classPath, '-d', temporaryFolder(), path.join(PEERS, 'NettyEchoServer.java')])
  if (code === undefined) return { why: `no javac: ${MISSING}` }
  return code === 0 ? classPath : { why: `NettyEchoServer.java does not compile: ${stderr.trim()}` }
}

/** The versions of Java and Netty, for the page of results; undefined for what is not here. */
export async function nettyVersions(): Promise<{ readonly java?: string; readonly netty?: string }> {
  const java = /version "([^"]+)"/.exec((await run('java', ['-version'])).stderr)?.[1]
  const names = existsSync(JARS) ? readdirSync(JARS) : []
  const netty = names.map((name) => /^netty-transport-(\d.*)\.jar$/.exec(name)?.[1]).find((version) => version !== undefined)
  return { ...(java === undefined ? {} : { java }), ...(netty === undefined ? {} : { netty }) }
}
