import { readFileSync } from 'node:fs'
import process from 'node:process'

let limit: number | undefined

/** How many descriptors this process may have open: its soft limit, read once. Infinity where there is none, or none can be found. */
export function descriptorLimit(): number {
  limit ??= readLimit()
  return limit
}

/** Node raises the soft limit to the hard one when it starts; what counts is the soft one. */
function readLimit(): number {
  try {
    if (process.platform === 'linux') {
      // Max open files            1024                 1048576              files
      return toLimit(/^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
    }
    const report = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } }
    return toLimit(report.userLimits?.open_files?.soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function toLimit(soft: number | string | undefined): number {
  const value = Number(soft)
  return Number.isInteger(value) && value > 0 ? value : Number.POSITIVE_INFINITY
}
