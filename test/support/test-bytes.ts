import { createHash } from 'node:crypto'

/** The hash of bytes, to compare megabytes with. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
