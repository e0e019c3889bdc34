import { startProgram } from '../harness/processes.js'

/** Settings of {@link run}. */
export interface RunOptions {
  readonly cwd?: string
  /** How long it may say nothing (120,000). */
  readonly withinMs?: number
}

/** How a program ended: what it printed; or why it gave nothing, and whether that is because there is no such program. */
export type Ended =
  | { readonly ok: true; readonly stdout: readonly string[]; readonly stderr: string }
  | { readonly ok: false; readonly why: string; readonly missing: boolean }

/** Runs a program to its end; it goes, as all programs of the harness do, when this process does. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { cwd, withinMs = 120_000 } = options
  let stderr = ''
  const onStderr = (text: string): void => void (stderr += text)
  const program = startProgram(command, {
    name: command[0]!,
    endSignal: 'SIGTERM',
    onStderr,
    ...(cwd === undefined ? {} : { cwd }),
  })
  try {
    return { ok: true, stdout: await program.end(withinMs), stderr }
  } catch (error) {
    const { message, cause } = error as Error
    return { ok: false, why: message, missing: (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT' }
  }
}
