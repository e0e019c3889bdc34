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
  const shown = buffer.toString(buffer.readerIndex, buffer.readableBytes - hidden, 'hex').replace(/(..)(?=.)/g, '$1 ')
  const more = hidden === 0 ? '' : ` ... ${hidden} more byte${hidden === 1 ? '' : 's'}`
  return `<${name} ${indexes} | ${shown}${more}>`
}
