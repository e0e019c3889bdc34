import type { ChannelHandler } from './channel-handler.js'
import type { HandlerClass } from './channel-pipeline.js'
import { classNameOf } from './dispatch-table.js'

/** What a handler was looked for by, for messages. */
export function describe(which: string | ChannelHandler | HandlerClass<ChannelHandler>): string {
  if (typeof which === 'string') return `named "${which}"`
  if (which === undefined || which === null) return `for ${String(which)}`
  return `of class ${typeof which === 'function' ? which.name : classNameOf(which)}`
}
