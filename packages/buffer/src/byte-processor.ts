/** Looks at one byte (0..255) of a buffer; false ends the walk, so that its index is the result. Netty: ByteProcessor. */
export type ByteProcessor = (value: number) => boolean

const NUL = 0x00
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COMMA = 0x2c
const SEMI_COLON = 0x3b

/** Netty's ready-made processors. FIND_X ends at the first X, FIND_NON_X at the first byte that is not. */
export const ByteProcessor: {
  readonly FIND_NUL: ByteProcessor
  readonly FIND_NON_NUL: ByteProcessor
  readonly FIND_CR: ByteProcessor
  readonly FIND_NON_CR: ByteProcessor
  readonly FIND_LF: ByteProcessor
  readonly FIND_NON_LF: ByteProcessor
  /** CR or LF. */
  readonly FIND_CRLF: ByteProcessor
  readonly FIND_NON_CRLF: ByteProcessor
  readonly FIND_SEMI_COLON: ByteProcessor
  readonly FIND_COMMA: ByteProcessor
  readonly FIND_ASCII_SPACE: ByteProcessor
  /** Space or tab. */
  readonly FIND_LINEAR_WHITESPACE: ByteProcessor
  readonly FIND_NON_LINEAR_WHITESPACE: ByteProcessor
} = {
  FIND_NUL: (value) => value !== NUL,
  FIND_NON_NUL: (value) => value === NUL,
  FIND_CR: (value) => value !== CR,
  FIND_NON_CR: (value) => value === CR,
  FIND_LF: (value) => value !== LF,
  FIND_NON_LF: (value) => value === LF,
  FIND_CRLF: (value) => value !== CR && value !== LF,
  FIND_NON_CRLF: (value) => value === CR || value === LF,
  FIND_SEMI_COLON: (value) => value !== SEMI_COLON,
  FIND_COMMA: (value) => value !== COMMA,
  FIND_ASCII_SPACE: (value) => value !== SPACE,
  FIND_LINEAR_WHITESPACE: (value) => value !== SPACE && value !== TAB,
  FIND_NON_LINEAR_WHITESPACE: (value) => value === SPACE || value === TAB,
}
