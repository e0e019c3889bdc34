// The load generator of the macro benchmarks: node load.js --help. Prints its own ceiling, then what the server did.
import process from 'node:process'
import { type SocketAddress, TcpSocketAddress, UnixSocketAddress } from '@knotty/transport'
import { ClosedLoop, type LoadFigures } from './load/closed-loop.js'
import { cpuSecondsOf } from './load/cpu-seconds.js'
import { LOAD_HELP, type LoadOptions, parseLoadOptions } from './load/load-options.js'
import { MessageStream } from './load/message-stream.js'

/** More connections do not change what a batch costs the generator. */
const CEILING_CONNECTIONS = 64
const PERCENTILES = { p25: 25, p50: 50, p75: 75, p99: 99, p999: 99.9 }

async function run(options: LoadOptions): Promise<void> {
  const { mode, size, inFlight, connections, ceilingSeconds } = options
  const stream = new MessageStream(mode, size, inFlight)
  if (ceilingSeconds > 0) {
    const whole = new MessageStream(mode === 'raw' ? 'raw' : 'aligned', size, inFlight)
    print(options, { ceiling: await ClosedLoop.ceiling(whole, Math.min(connections, CEILING_CONNECTIONS), ceilingSeconds) })
  }
  const address = addressOf(options)
  if (address === undefined) return
  const loop = new ClosedLoop(stream)
  await loop.connect(address, connections)
  await warmUp(loop, options)
  const serverBefore = cpuSecondsOf(options.serverPid)
  const start = performance.now()
  const figures = await loop.measure(options.seconds)
  const elapsedSeconds = (performance.now() - start) / 1000
  const serverAfter = cpuSecondsOf(options.serverPid)
  loop.close()
  print(options, {
    ...report(figures),
    ...(serverBefore === undefined || serverAfter === undefined ? {} : { serverCpu: (serverAfter - serverBefore) / elapsedSeconds }),
  })
}

function addressOf({ port, unix }: LoadOptions): SocketAddress | undefined {
  if (unix !== undefined) return new UnixSocketAddress(unix)
  return port === undefined ? undefined : new TcpSocketAddress('127.0.0.1', port)
}

async function warmUp(loop: ClosedLoop, { inFlight, warmUpSeconds, slowStart }: LoadOptions): Promise<void> {
  if (slowStart) loop.growing = loop.stream.messages(1)
  loop.start()
  if (!slowStart) return loop.wait(warmUpSeconds)
  const steps = Math.ceil(Math.log2(inFlight))
  for (let step = 1; step <= steps; step++) {
    await loop.wait(warmUpSeconds / 2 / steps)
    loop.growing = step === steps ? undefined : loop.stream.messages(2 ** step)
  }
  loop.growing = undefined
  await loop.wait(warmUpSeconds / 2)
}

/** What one line of `--json` holds, the ceiling in the first one. */
type Line = Readonly<Record<string, number | Readonly<Record<string, number>>>>

function report({ messagesPerSecond, bytesPerSecond, latency, cpu }: LoadFigures): Line {
  const percentiles = Object.entries(PERCENTILES).map(([name, percent]) => [name, latency.percentile(percent)])
  return { messagesPerSecond, bytesPerSecond, loadCpu: cpu, latency: { min: latency.min, ...Object.fromEntries(percentiles), max: latency.max } }
}

function print({ json }: LoadOptions, line: Line): void {
  if (json) return console.log(JSON.stringify(line))
  const { ceiling, messagesPerSecond, bytesPerSecond, loadCpu, serverCpu, latency } = line
  const percent = (share: unknown): string => `${Math.round((share as number) * 100)} % of a core`
  if (ceiling !== undefined) return console.log(`ceiling of this generator: ${Math.round(ceiling as number).toLocaleString('en')} messages/s`)
  console.log(`${Math.round(messagesPerSecond as number).toLocaleString('en')} messages/s, ${((bytesPerSecond as number) / 1e6).toFixed(1)} MB/s`)
  console.log(`load ${percent(loadCpu)}${serverCpu === undefined ? '' : `, server ${percent(serverCpu)}`}`)
  const round = Object.entries(latency as Readonly<Record<string, number>>).map(([name, ns]) => `${name} ${(ns / 1000).toFixed(1)}`)
  return console.log(`round trip of a batch, us: ${round.join(', ')}`)
}

const args = process.argv.slice(2)
if (args.includes('--help')) console.log(LOAD_HELP)
else {
  try {
    await run(parseLoadOptions(args))
  } catch (error) {
    console.error(`load: ${(error as Error).message}`)
    process.exitCode = 1
  }
  process.exit()
}
