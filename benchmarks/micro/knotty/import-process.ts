// node import-process.js SPECIFIER [count]: imports a module and prints how many milliseconds that took; with `count`, how many files
// it loaded. The debugger tells of each script that is parsed; it would slow the import down, so it is not there when time counts.
import { Session } from 'node:inspector'
import process from 'node:process'

const [specifier, count] = process.argv.slice(2) as [string, string?]
const files = new Set<string>()
if (count !== undefined) {
  const session = new Session()
  session.connect()
  session.on('Debugger.scriptParsed', ({ params }) => {
    if (params.url.startsWith('file:')) files.add(params.url)
  })
  session.post('Debugger.enable')
  files.clear() // what is parsed already is told too
}
const start = performance.now()
await import(specifier)
console.log(count === undefined ? performance.now() - start : files.size)
