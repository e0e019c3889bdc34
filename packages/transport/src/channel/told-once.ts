/** So many keys are remembered: they come from the user's program, and one with more of them has been told enough. */
const MAX_KEYS = 1000

/** What a warning that is given once for each class, name or type has named already. */
export class ToldOnce {
  private readonly told = new Set<string>()

  /** True for a key that was not named before, which it is now: the caller warns. Also false when too many were. */
  isFirst(key: string): boolean {
    if (this.told.has(key) || this.told.size >= MAX_KEYS) return false
    this.told.add(key)
    return true
  }
}
