import { Buffer } from 'node:buffer'

/** With the u flag a surrogate that belongs to a pair is no match. */
const LONE_SURROGATES = /[\ud800-\udfff]/gu

const REPLACEMENT = '\ufffd'

/** In a string of one character a byte. 0xed is never a continuation byte, so a match always starts a sequence. */
const ENCODED_SURROGATE = /\xed[\xa0-\xbf][\x80-\xbf]/g

const BEYOND_LATIN1 = /[^\x00-\xff]/g

/** The UTF-8 bytes of `text` with each lone surrogate counted as the one byte of `?`. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(replaceLoneSurrogates(text), 'utf8')
}

/** How many bytes a write of `text` reserves: three a character for utf8, one for ascii and latin1, the exact number otherwise. */
export function maxEncodedBytes(text: string, encoding: BufferEncoding): number {
  switch (encoding) {
    case 'utf8':
    case 'utf-8':
      return text.length * 3
    case 'ascii':
    case 'latin1':
    case 'binary':
      return text.length
    default:
      return Buffer.byteLength(text, encoding)
  }
}

/** Encodes `text` at a place that has room for {@link maxEncodedBytes}; gives the number of bytes written. */
export function encodeText(text: string, encoding: BufferEncoding, bytes: Buffer, at: number): number {
  switch (encoding) {
    case 'utf8':
    case 'utf-8':
      return bytes.write(replaceLoneSurrogates(text), at, 'utf8')
    case 'ascii':
    case 'latin1':
    case 'binary':
      return bytes.write(text.replace(BEYOND_LATIN1, '?'), at, 'latin1')
    default:
      return bytes.write(text, at, encoding)
  }
}

/** The text of the bytes from `start` to `end`. `ascii` is decoded as `latin1`, as in Netty. */
export function decodeText(encoding: BufferEncoding, bytes: Buffer, start: number, end: number): string {
  switch (encoding) {
    case 'utf8':
    case 'utf-8': {
      const text = bytes.toString('utf8', start, end)
      return text.includes(REPLACEMENT) ? decodeMalformedUtf8(bytes, start, end) : text
    }
    case 'ascii':
      return bytes.toString('latin1', start, end)
    default:
      return bytes.toString(encoding, start, end)
  }
}

/** Java gives one U+FFFD for the three bytes of an encoded surrogate, Node one for each of them. */
function decodeMalformedUtf8(bytes: Buffer, start: number, end: number): string {
  const withoutSurrogates = bytes.toString('latin1', start, end).replace(ENCODED_SURROGATE, '\xff')
  return Buffer.from(withoutSurrogates, 'latin1').toString('utf8')
}

/** In Node since 20; the type library for ES2023 does not have it. */
interface WellFormedText {
  isWellFormed(): boolean
}

function replaceLoneSurrogates(text: string): string {
  return (text as unknown as WellFormedText).isWellFormed() ? text : text.replace(LONE_SURROGATES, '?')
}
