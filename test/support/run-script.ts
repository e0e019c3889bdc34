import { spawn } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'

export interface ScriptResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Where `@knotty/…` can be resolved: the folder of the test package. */
const TEST_PACKAGE = path.join(import.meta.dirname, '..', '..')

/**
 * Runs an ES module given as text in a Node process of its own and gives what came of it. A process that does not end in time is
 * killed: `signal` is SIGKILL then.
 *
 * @param answer written to its standard input when it has printed something; without one that is closed at once
 */
export async function runScript(
  source: string,
  nodeArgs: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  answer = '',
): Promise<ScriptResult> {
  const child = spawn(process.execPath, [...nodeArgs, '--input-type=module', '--eval', source], {
    cwd: TEST_PACKAGE,
    env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => undefined) // it may have ended before the answer
  if (answer === '') child.stdin.end()
  else child.stdout.once('data', () => child.stdin.end(answer))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]))
  })
  return { code, signal, stdout, stderr }
}
