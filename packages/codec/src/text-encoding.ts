import { Buffer } from 'node:buffer'
import { IllegalArgumentError } from '@knotty/common'

/** Options of the codecs between text and bytes. */
export interface TextOptions {
  /** One of Node's encodings ('utf8'). */
  readonly encoding?: BufferEncoding
}

/** The encoding of the options. An {@link IllegalArgumentError} for one that Node does not know. */
export function encodingOf(options: TextOptions): BufferEncoding {
  const { encoding = 'utf8' } = options
  if (typeof encoding !== 'string' || !Buffer.isEncoding(encoding)) {
    throw new IllegalArgumentError(`encoding: ${String(encoding)} (expected: one of Node's, such as 'utf8' or 'latin1')`)
  }
  return encoding
}
