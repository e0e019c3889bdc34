import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

/** What connections that do nothing hold, in bytes. */
export interface IdleMemory {
  readonly heap: number
  /** Memory of native objects and of Buffers outside of the heap. */
  readonly external: number
  readonly rss: number
}

const COLLECTIONS = 5
const SETTLE_MS = 50

/** The memory of this process when garbage has been collected. Needs `--expose-gc`. */
async function memoryNow(): Promise<IdleMemory> {
  for (let index = 0; index < COLLECTIONS; index++) {
    globalThis.gc!()
    await sleep(SETTLE_MS) // finalizers and the release of pages
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed, external, rss }
}

/**
 * To be told of each connection; prints what one costs, as JSON, when `last` are there. The first `first` of them are not counted:
 * with them come the code and the slabs that all share.
 *
 *     memory at `first` ──── last - first connections ──── memory at `last`
 */
export function reportIdleMemory(first: number, last: number): () => void {
  let before: IdleMemory | undefined
  let connections = 0
  return () => {
    connections++
    if (connections === first) {
      void memoryNow().then((memory) => {
        before = memory
        console.log('first')
      })
    } else if (connections === last) {
      void memoryNow().then((memory) => {
        const each = (key: keyof IdleMemory): number => (memory[key] - before![key]) / (last - first)
        console.log(JSON.stringify({ heap: each('heap'), external: each('external'), rss: each('rss') }))
      })
    }
  }
}
