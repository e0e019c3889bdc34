import { readFileSync } from 'node:fs'

const CLOCK_TICKS_PER_SECOND = 100 // of /proc/PID/stat on Linux

/** Seconds of a core that a process has taken, its system calls included; undefined where the system does not tell. */
export function cpuSecondsOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
  } catch {
    return undefined
  }
}
