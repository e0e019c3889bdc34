/** Ours that say more than the error Java throws there. */
const PLAIN_IN_JAVA: Readonly<Record<string, string>> = { ChannelStateError: 'IllegalStateException' }

/**
 * The name under which Java knows an error of ours: `TooLongFrameError` is Netty's `TooLongFrameException`; an error with an errno
 * is Java's IOException; a plain Error a test threw as Java's Error or RuntimeException carries its Java name in `javaName`.
 */
export function javaNameOf(error: unknown): string {
  if (!(error instanceof Error)) return `no error: ${String(error)}`
  const javaName = (error as { javaName?: unknown }).javaName
  if (typeof javaName === 'string') return javaName
  if (typeof (error as { errno?: unknown }).errno === 'number') return 'IOException'
  return PLAIN_IN_JAVA[error.name] ?? error.name.replace(/Error$/, 'Exception')
}

/** An error that stands for one that the Java program threw, such as `RuntimeException` or `IOException`. */
export class JavaError extends Error {
  readonly javaName: string

  constructor(javaName: string, message: string) {
    super(message)
    this.javaName = javaName
  }
}
