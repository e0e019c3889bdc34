import { Buffer } from 'node:buffer'

/** Delimiters for a DelimiterBasedFrameDecoder. */
export const Delimiters: {
  /** `\r\n` and `\n`: lines of text. */
  lineDelimiter(): readonly Uint8Array[]
  /** The byte 0, as between the messages of an XML socket of Flash. */
  nulDelimiter(): readonly Uint8Array[]
} = {
  lineDelimiter(): readonly Uint8Array[] {
    return [Buffer.from('\r\n'), Buffer.from('\n')]
  },

  nulDelimiter(): readonly Uint8Array[] {
    return [Buffer.of(0)]
  },
}
