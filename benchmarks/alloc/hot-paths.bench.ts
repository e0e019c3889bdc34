// What the hot paths allocate: heap bytes per 1,000 operations, each path in a process of its own.
//
// Run:   npm run bench -- --filter alloc                    the figures
//        npm run bench:alloc [-- --update]                  the figures against benchmarks/alloc/thresholds.json, in CI
// Read:  bytes allocated for every 1,000 operations, not what is kept. The first two cases measure the measuring: 0 and 56,000.
import { runMacro } from '../harness/macro.js'
import { HOT_PATHS } from './hot-paths.js'
import { measureHotPath } from './measure-process.js'

await runMacro({
  bench: 'alloc/hot-paths',
  seconds: 40,
  cases: HOT_PATHS.map(({ name }) => ({
    name,
    subjects: [
      {
        name: '',
        unit: 'bytes',
        measure: async () => {
          const value = await measureHotPath(name)
          return { value, heapBytes: value / 1000 }
        },
      },
    ],
  })),
})
