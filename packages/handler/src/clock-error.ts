/** Deadlines are sums of fractions: so far, in ms, they may be off. */
export const CLOCK_ERROR_MS = 0.001
