import type { ChannelHandler } from './channel-handler.js'

/** The arguments of addFirst and addLast: handlers, or a name, which may be null, and one handler. */
export function namedOrMany(args: unknown[]): { name: string | null; handlers: ChannelHandler[] } {
  const [first] = args
  if (args.length === 2 && (typeof first === 'string' || first === null)) return { name: first, handlers: [args[1] as ChannelHandler] }
  return { name: null, handlers: args as ChannelHandler[] }
}
