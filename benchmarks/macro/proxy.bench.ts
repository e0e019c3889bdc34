// One channel passed on to another: a proxy in front of an echo server, Knotty on both transports beside two pipes of node:net. The
// proxy has a core of its own; the load and the echo server behind it, both written on the bare handle, share the other one.
//
// Run:   npm run bench -- --filter proxy
// Read:  messages a second there and back; a message passes the proxy twice.
import path from 'node:path'
import process from 'node:process'
import { type BenchCase, type BenchSubject, type RoundFigure, runMacro } from '../harness/macro.js'
import { type Load, measureServer } from '../harness/measure-load.js'
import { LOAD_CORE, startServer } from '../harness/processes.js'

const SECONDS = 2
const QUICK_SECONDS = 0.5
const WARM_UP_SECONDS = 0.5
const TARGET = [process.execPath, path.resolve(import.meta.dirname, '../../prototype/slab-echo.mjs'), '--serve', 'handle']

const program = (name: string): string => path.join(import.meta.dirname, name)

async function measure(name: string, command: readonly string[], load: Load, seconds: number): Promise<RoundFigure> {
  const { server: target, port } = await startServer(TARGET, { name: 'the echo server behind the proxy', core: LOAD_CORE })
  try {
    return await measureServer({ name, command: [...command, String(port)], warmUpSeconds: WARM_UP_SECONDS }, load, seconds)
  } finally {
    await target.stop()
  }
}

function proxied(name: string, load: Load): BenchCase {
  const subject = (proxy: string, command: readonly string[]): BenchSubject => ({
    name: proxy,
    unit: 'messages/s',
    measure: ({ quick }) => measure(proxy, command, load, quick ? QUICK_SECONDS : SECONDS),
  })
  const knotty = (transport: string): string[] => ['env', `KNOTTY_TRANSPORT=${transport}`, process.execPath, program('proxy-knotty.js')]
  return {
    name,
    subjects: [
      { ...subject('Knotty libuv', knotty('libuv')), ratios: [{ to: 'two pipes of node:net' }] },
      subject('Knotty net', knotty('net')),
      subject('two pipes of node:net', [process.execPath, program('proxy-net.js')]),
    ],
  }
}

await runMacro({
  bench: 'macro/proxy',
  seconds: 30,
  cases: [
    proxied('64 connections x 64 B x 1 in flight', { mode: 'aligned', connections: 64, messageBytes: 64, inFlight: 1 }),
    proxied('64 x 64 B x 64', { mode: 'aligned', connections: 64, messageBytes: 64, inFlight: 64 }),
    proxied('8 x 64 KiB x 4', { mode: 'aligned', connections: 8, messageBytes: 65_536, inFlight: 4 }),
  ],
})
