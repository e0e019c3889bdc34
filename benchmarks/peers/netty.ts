import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { EchoProtocol } from './echo-protocol.js'
import { PEERS } from './folders.js'
import { run } from './run.js'
import { temporaryFolder } from './temporary-folder.js'

/** Where Debian's libnetty-java puts its jars. */
const JARS = '/usr/share/java'
const NEEDED = 'it needs a JDK and Netty\'s jars (Debian: default-jdk-headless, libnetty-java)'

let compiled: Promise<string | { readonly why: string }> | undefined

/** The command of NettyEchoServer.java, compiled on first use; or why there is none. */
export async function nettyCommand(protocol: EchoProtocol): Promise<readonly string[] | string> {
  compiled ??= compile()
  const classPath = await compiled
  return typeof classPath === 'string' ? ['java', '-Xmx512m', '-cp', classPath, 'NettyEchoServer', protocol] : classPath.why
}

/** The class path of the compiled server, or why there is none. */
async function compile(): Promise<string | { readonly why: string }> {
  // Each jar has two names, with its version and without. netty-all repeats the others.
  const jars = namesIn(JARS).filter((name) => /^netty-[a-z-]+\.jar$/.test(name) && name !== 'netty-all.jar')
  if (jars.length === 0) return { why: `no Netty in ${JARS}: ${NEEDED}` }
  const folder = temporaryFolder()
  const classPath = [...jars.map((name) => path.join(JARS, name)), folder].join(':')
  const ended = await run(['javac', '-cp', classPath, '-d', folder, path.join(PEERS, 'NettyEchoServer.java')])
  if (ended.ok) return classPath
  return { why: ended.missing ? `no javac: ${NEEDED}` : `its server does not compile: ${ended.why}` }
}

/** `OpenJDK 17.0.15, Netty 4.1.48.Final`. */
export async function nettyVersions(): Promise<string> {
  const java = await run(['java', '-version'])
  const [, javaVersion = 'unknown'] = (java.ok ? /version "([^"]+)"/.exec(java.stderr) : null) ?? []
  const [netty = 'unknown'] = namesIn(JARS).flatMap((name) => /^netty-transport-(\d.*)\.jar$/.exec(name)?.[1] ?? [])
  return `Java ${javaVersion}, Netty ${netty}`
}

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : [])
