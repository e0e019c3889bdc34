/** The type of a message as errors and warnings show it: the name of its class, or what `typeof` says. */
export function typeNameOf(msg: unknown): string {
  if (typeof msg !== 'object' || msg === null) return typeof msg
  return (msg.constructor as { name?: string } | undefined)?.name ?? 'object'
}
