import { checkNonNegativeInteger } from '@knotty/common'
import type { ByteBuf } from './byte-buf.js'
import { utf8Bytes } from './text.js'

const RULE = '+--------+-------------------------------------------------+----------------+'
const HEADER = [
  '         +-------------------------------------------------+',
  '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
  RULE,
]

/** Functions on buffers that are no methods of theirs in Netty. None moves an index. */
export const ByteBufUtil: {
  /** The readable bytes, or `length` bytes at `index`, in lower-case hexadecimal without separators. */
  hexDump(buffer: ByteBuf, index?: number, length?: number): string
  /** The readable bytes, or `length` bytes at `index`, as Netty's table of sixteen a row with offsets and printable characters. */
  prettyHexDump(buffer: ByteBuf, index?: number, length?: number): string
  /** See {@link ByteBuf.hashCode}. */
  hashCode(buffer: ByteBuf): number
  /** True when both have the same readable bytes. */
  equals(a: ByteBuf, b: ByteBuf): boolean
  /** See {@link ByteBuf.compareTo}. */
  compare(a: ByteBuf, b: ByteBuf): number
  /** Index in `haystack` of the first place where its readable bytes go on as those of `needle`; -1 when there is none. */
  indexOf(needle: ByteBuf, haystack: ByteBuf): number
  /** The UTF-8 bytes of `text`, with each lone surrogate counted as the one byte of `?` that a buffer writes for it. */
  utf8Bytes(text: string): number
} = {
  hexDump(buffer: ByteBuf, index: number = buffer.readerIndex, length: number = buffer.readableBytes): string {
    checkNonNegativeInteger(length, 'length')
    return buffer.toString(index, length, 'hex')
  },

  prettyHexDump(buffer: ByteBuf, index: number = buffer.readerIndex, length: number = buffer.readableBytes): string {
    const bytes = buffer.slice(index, length).unsafeBuffer()
    if (length === 0) return ''
    const rows = [...HEADER]
    for (let start = 0; start < length; start += 16) rows.push(hexRow(bytes.subarray(start, start + 16), start))
    return [...rows, RULE].join('\n')
  },

  hashCode: (buffer) => buffer.hashCode(),
  equals: (a, b) => a.equals(b),
  compare: (a, b) => a.compareTo(b),

  indexOf(needle: ByteBuf, haystack: ByteBuf): number {
    const found = haystack.unsafeBuffer().indexOf(needle.unsafeBuffer())
    return found < 0 ? -1 : haystack.readerIndex + found
  },

  utf8Bytes,
}

function hexRow(bytes: Uint8Array, start: number): string {
  let hex = ''
  let text = ''
  for (const byte of bytes) {
    hex += ` ${byte.toString(16).padStart(2, '0')}`
    text += byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.'
  }
  return `|${start.toString(16).padStart(8, '0')}|${hex.padEnd(48)} |${text.padEnd(16)}|`
}
