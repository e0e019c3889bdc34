import { execFile } from 'node:child_process'

/** How a program ended: `code` is undefined when there is no such program. */
export interface Ended {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. */
export function run(file: string, args: readonly string[], options: { readonly cwd?: string; readonly timeoutMs?: number } = {}): Promise<Ended> {
  const { timeoutMs = 120_000, ...rest } = options
  return new Promise((resolve) => {
    execFile(file, [...args], { ...rest, timeout: timeoutMs, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr })
      if (error.code === 'ENOENT') return resolve({ code: undefined, stdout, stderr })
      const said = error.killed === true ? `took longer than ${timeoutMs / 1000} s` : stderr
      return resolve({ code: typeof error.code === 'number' ? error.code : 1, stdout, stderr: said })
    })
  })
}
