import type { ByteBuf } from './byte-buf.js'

/** So many readable bytes at most are shown. */
const MAX_BYTES = 32

/**
 * What `util.inspect` prints of a buffer: indexes and a short hex dump of the readable bytes, and only of those: what lies around them
 * belongs to other messages.
 */
export function inspectByteBuf(buffer: ByteBuf, name = 'ByteBuf'): string {
  if (buffer.refCnt === 0) return `<${name} released>`
  const indexes = `ridx: ${buffer.readerIndex} widx: ${buffer.writerIndex} cap: ${buffer.capacity}`
  if (!buffer.isReadable) return `<${name} ${indexes}>`
  const hidden = Math.max(buffer.readableBytes - MAX_BYTES, 0)
  const shown = hexOf(buffer, buffer.readableBytes - hidden)
  if (shown === undefined) return `<${name} ${indexes} | bytes not accessible>`
  const more = hidden === 0 ? '' : ` ... ${hidden} more byte${hidden === 1 ? '' : 's'}`
  return `<${name} ${indexes} | ${shown}${more}>`
}

/** Undefined when the memory below a view has shrunk, or a component of a composite is gone: what prints a buffer must not throw. */
function hexOf(buffer: ByteBuf, length: number): string | undefined {
  try {
    return buffer.toString(buffer.readerIndex, length, 'hex').replace(/(..)(?=.)/g, '$1 ')
  } catch {
    return undefined
  }
}
