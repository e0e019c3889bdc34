import type { ChildProcess } from 'node:child_process'

/** Kills `child` when this process ends, so that it does not go on without anybody; see also {@link exitOnSignals}. */
export function endTogether(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.removeListener('exit', kill))
}

/** A signal ends a process without its `exit` event: makes it an ordinary exit, with the code that a shell would tell. */
export function exitOnSignals(): void {
  for (const [signal, number] of [['SIGHUP', 1], ['SIGINT', 2], ['SIGTERM', 15]] as const) {
    process.once(signal, () => process.exit(128 + number))
  }
}
