// How long importing takes, each time in a new process, and how many files are loaded. The files lie in the cache of the system.
//
// Run:   npm run bench -- --filter import
// Read:  milliseconds; node:net is what any server loads.
import path from 'node:path'
import { runMacro, type BenchSubject } from '../../harness/macro.js'
import { startNode } from '../../harness/processes.js'

const program = path.join(import.meta.dirname, 'import-process.js')

async function childSays(...args: string[]): Promise<number> {
  const [line] = await startNode([program, ...args], { name: `the import of ${args[0]}` }).end()
  return Number(line)
}

function importing(specifier: string): BenchSubject {
  return {
    name: specifier,
    unit: 'ms',
    measure: async () => {
      const value = await childSays(specifier)
      const files = await childSays(specifier, 'count')
      return { value, note: files === 0 ? 'part of Node' : `${files} files` }
    },
  }
}

await runMacro({
  bench: 'micro/knotty/import',
  seconds: 3,
  cases: [{ name: 'import', subjects: ['node:net', '@knotty/transport', 'knotty'].map(importing) }],
})
