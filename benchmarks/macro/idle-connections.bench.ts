// What a connection costs that does nothing: 15,000 of them to one server, their client ends in other processes. Knotty with a framer,
// an idle handler and a handler of the user, on both transports, beside bare net.Sockets with three listeners.
//
// Run:   npm run bench -- --filter idle-connections      (--quick: 5,000 connections)
// Read:  bytes a connection after garbage collection, from the growth between 1,000 connections and all. Knotty on libuv must need at
//        most 1,536 bytes of heap and external memory (goal 1,024), and a smaller resident set than net.Socket.
import path from 'node:path'
import process from 'node:process'
import { type BenchCase, type BenchSubject, type Round, type RoundFigure, runMacro } from '../harness/macro.js'
import { LOAD_CORE, type Program, startNode, startServer } from '../harness/processes.js'
import type { IdleMemory } from './idle-memory.js'

const FIRST = 1000
const CONNECTIONS = 15_000
const QUICK_CONNECTIONS = 5000
/** Fewer than the 10,000 or 20,000 descriptors that a process may have. */
const A_PROCESS = 7500
const SERVER_MS = 60_000

const program = (name: string): string => path.join(import.meta.dirname, name)
const measured = new Map<string, Promise<IdleMemory>>()

interface Holder {
  readonly name: string
  readonly environment: readonly string[]
  readonly program: string
}

const HOLDERS: readonly Holder[] = [
  { name: 'Knotty libuv', environment: ['env', 'KNOTTY_TRANSPORT=libuv'], program: program('idle-knotty.js') },
  { name: 'Knotty net', environment: ['env', 'KNOTTY_TRANSPORT=net'], program: program('idle-knotty.js') },
  { name: 'net.Socket', environment: [], program: program('idle-net.js') },
]

/** `exchanged`: each connection has sent a message and got it back before it does nothing. */
async function measure({ name, environment, program: file }: Holder, connections: number, exchanged: boolean): Promise<IdleMemory> {
  const command = [...environment, process.execPath, '--expose-gc', file, String(FIRST), String(connections), ...(exchanged ? ['exchanged'] : [])]
  const { server, port } = await startServer(command, { name })
  const clients: Program[] = []
  const connect = async (count: number): Promise<void> => {
    const client = startNode([program('idle-clients.js'), String(port), String(count), exchanged ? 'exchanged' : 'silent'], { name: 'the clients', core: LOAD_CORE })
    clients.push(client)
    await client.nextLine(SERVER_MS)
  }
  try {
    await connect(FIRST)
    await server.nextLine(SERVER_MS) // it has seen how much it holds already
    for (let left = connections - FIRST; left > 0; left -= A_PROCESS) await connect(Math.min(left, A_PROCESS))
    return JSON.parse(await server.nextLine(SERVER_MS)) as IdleMemory
  } finally {
    await Promise.all([server, ...clients].map((each) => each.stop()))
  }
}

/** One measurement a round, from which each case takes its part. */
function memoryOf(holder: Holder, { index, quick }: Round, exchanged: boolean): Promise<IdleMemory> {
  const key = `${holder.name} ${index} ${exchanged}`
  let memory = measured.get(key)
  if (memory === undefined) {
    memory = measure(holder, quick ? QUICK_CONNECTIONS : CONNECTIONS, exchanged)
    measured.set(key, memory)
  }
  return memory
}

function part(name: string, exchanged: boolean, must: number | undefined, read: (memory: IdleMemory, holder: string) => RoundFigure): BenchCase {
  const subjects = HOLDERS.map((holder): BenchSubject => ({
    name: holder.name,
    unit: 'bytes',
    measure: async (round) => read(await memoryOf(holder, round, exchanged), holder.name),
    ratios: holder === HOLDERS[0] ? [{ to: 'net.Socket', ...(must === undefined ? {} : { must }) }] : [],
  }))
  return { name, subjects }
}

function heapAndExternal({ heap, external }: IdleMemory, holder: string): RoundFigure {
  const note = `${Math.round(heap)} bytes of heap, ${Math.round(external)} external`
  return { value: heap + external, note: holder === 'Knotty libuv' ? `${note}; must be 1,536 together, goal 1,024` : note }
}

function resident({ rss }: IdleMemory): RoundFigure {
  return { value: rss }
}

await runMacro({
  bench: 'macro/idle-connections',
  seconds: 60,
  cases: [
    part('heap and external', false, undefined, heapAndExternal),
    part('resident set', false, 1, resident),
    part('heap and external after one message', true, undefined, ({ heap, external }) => ({ value: heap + external })),
    part('resident set after one message', true, undefined, resident),
  ],
})
