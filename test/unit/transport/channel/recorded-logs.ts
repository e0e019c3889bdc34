import type { TestContext } from 'node:test'
import { type Logger, setLogger } from '@knotty/common'

export interface LogLine {
  readonly level: keyof Logger
  readonly message: string
  readonly error: unknown
}

/** Records what Knotty logs until the end of the test, instead of writing it. */
export function recordLogs(t: TestContext): LogLine[] {
  const lines: LogLine[] = []
  const record =
    (level: keyof Logger) =>
    (message: string, error?: unknown): void =>
      void lines.push({ level, message, error })
  setLogger({ debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') })
  t.after(() => setLogger(undefined))
  return lines
}

/** The lines of one level. */
export function messagesOf(lines: readonly LogLine[], level: keyof Logger): string[] {
  return lines.filter((line) => line.level === level).map((line) => line.message)
}
