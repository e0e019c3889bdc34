import type { ChannelFuture } from '@knotty/transport'
import { javaNameOf } from './java-names.js'
import type { VectorCase } from './vector-file.js'

/** What pipeline-events.json is made of (data/FORMAT.md). */
export type Action = readonly [name: string, ...args: readonly any[]]

interface Script {
  /** How often the actions run; later the event is only forwarded. Without it always. */
  readonly times?: number
  readonly do: readonly Action[]
}

export interface HandlerSpec {
  readonly name: string
  readonly type: 'inbound' | 'outbound' | 'duplex' | 'initializer'
  readonly on?: Readonly<Record<string, Script>>
  readonly sharable?: boolean
  /** The handler made under that name, once more. */
  readonly same?: string
  /** Of an initializer. */
  readonly adds?: readonly HandlerSpec[]
  readonly throw?: string
}

export type LogEntry = readonly unknown[]

export interface Step {
  readonly op: readonly [name: string, ...args: readonly any[]]
  readonly result: unknown
  readonly log: readonly LogEntry[]
  readonly unhandled?: string
  readonly inbound?: readonly unknown[]
  readonly outbound?: readonly unknown[]
  readonly names: readonly string[]
}

export interface PipelineCase extends VectorCase {
  readonly channel: { readonly register?: boolean; readonly hasDisconnect?: boolean; readonly autoRead?: boolean }
  readonly handlers: readonly HandlerSpec[]
  readonly setup: { readonly log: readonly LogEntry[]; readonly names: readonly string[] }
  readonly steps: readonly Step[]
  readonly end: {
    readonly pendingFutures: readonly string[]
    readonly open: boolean
    readonly active: boolean
    readonly registered: boolean
  }
}

const SHOWN_WITH_TEXT = new Set(['RuntimeException', 'IllegalStateException', 'IOException', 'Error'])

/** The file's notation of an error. */
export function notationOf(error: unknown): string {
  const name = javaNameOf(error)
  if (SHOWN_WITH_TEXT.has(name)) return `${name}:${(error as Error).message}`
  const cause = (error as Error).cause
  return name === 'ChannelPipelineException' && cause !== undefined ? `${name}<${notationOf(cause)}` : name
}

export function outcomeOf(future: ChannelFuture): unknown {
  return future.isSuccess ? 'success' : { ex: javaNameOf(future.cause) }
}
