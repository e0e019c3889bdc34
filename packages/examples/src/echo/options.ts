import { parseArgs } from 'node:util'

/** `none` echoes bytes as they come; `length4` puts a 4-byte big-endian length before each message. */
export type Framing = 'none' | 'length4'

export interface EchoOptions {
  readonly port: number
  readonly host: string
  readonly framing: Framing
}

/** Reads `--port`, `--host`, `--framing` and `--transport`; says what is wrong and ends the process when it cannot. */
export function readEchoOptions(defaultPort: number): EchoOptions {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: String(defaultPort) },
        host: { type: 'string', default: '127.0.0.1' },
        framing: { type: 'string', default: 'length4' },
        transport: { type: 'string', default: 'libuv' },
      },
    })
    if (values.framing !== 'none' && values.framing !== 'length4') throw new Error(`--framing ${values.framing}: none or length4`)
    if (values.transport !== 'libuv') throw new Error(`--transport ${values.transport}: only libuv exists in this release`)
    return { port: Number(values.port), host: values.host, framing: values.framing }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}
