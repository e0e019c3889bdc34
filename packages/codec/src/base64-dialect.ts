import { IllegalArgumentError } from '@knotty/common'

/** The alphabet: `standard` ends with `+` and `/` (RFC 4648 section 4), `urlSafe` with `-` and `_` (section 5). */
export type Base64Dialect = 'standard' | 'urlSafe'

/** Options of {@link Base64Encoder} and {@link Base64Decoder}. */
export interface Base64Options {
  /** The alphabet ('standard'). */
  readonly dialect?: Base64Dialect
}

/** True for the URL-safe one. An {@link IllegalArgumentError} for anything but the two dialects. */
export function isUrlSafe(options: Base64Options): boolean {
  const { dialect = 'standard' } = options
  if (dialect === 'urlSafe') return true
  if (dialect === 'standard') return false
  throw new IllegalArgumentError(`dialect: ${String(dialect)} (expected: 'standard' or 'urlSafe')`)
}
