/** What a figure may be above its threshold: whichever of the two is more. */
export interface Tolerance {
  /** Per 1,000 operations. */
  readonly bytes: number
  /** Of the threshold. */
  readonly share: number
}

/** Heap bytes per 1,000 operations, by name of the hot path. */
export type ThresholdRow = Readonly<Record<string, number>>

/** The file thresholds.json. */
export interface Thresholds {
  readonly tolerance: Tolerance
  /** By major version of Node.js. */
  readonly nodes: Readonly<Record<string, ThresholdRow>>
}

/** The row of a major version; of an unknown one each path's highest of all rows. */
export function thresholdsFor({ nodes }: Thresholds, major: string): { readonly row: ThresholdRow; readonly known: boolean } {
  const own = nodes[major]
  if (own !== undefined) return { row: own, known: true }
  const row: Record<string, number> = {}
  for (const [name, bytes] of Object.values(nodes).flatMap((each) => Object.entries(each))) row[name] = Math.max(bytes, row[name] ?? 0)
  return { row, known: false }
}

/** The most that a path with this threshold may allocate. */
export function allowed(threshold: number, { bytes, share }: Tolerance): number {
  return Math.round(threshold + Math.max(bytes, threshold * share))
}
