// npm run bench:peers: Knotty beside what others offer, or on several Node lines. See --help.
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { Progress } from '../../../packages/bench/dist/progress.js'
import { describeMachine, machineLine, reportOf } from '../harness/machine.js'
import { endPrograms } from '../harness/processes.js'
import { ECHO_CASES, type EchoCase } from '../peers/cases.js'
import { checkGenerator, GENERATOR } from '../peers/generator.js'
import { bunVersion, checkGrpc, installPeers, isInstalled } from '../peers/install.js'
import { type EchoFigures, estimate, measureCase, resultsOf } from '../peers/measure-echo.js'
import { nettyVersions } from '../peers/netty.js'
import { nodeAt, type NodeLine, supportedLines } from '../peers/node-lines.js'
import { availablePeers, KNOTTY, knottyServers, nodePeers, type Peer, PEER, type SkippedPeer } from '../peers/peers.js'
import { parsePeersOptions, PEERS_HELP, type PeersOptions, UsageError } from './peers-options.js'
import { linesMarkdown, linesTable, peerMarkdown, peerTable, targetMarkdown, targetTable } from './results-page-tables.js'
import { checkSection, writeSection } from './results-page.js'

/** What is to be measured: a case, and on which servers. */
interface Plan {
  readonly case: EchoCase
  readonly servers: readonly Peer[]
}

const matches = (name: string, texts: readonly string[]): boolean =>
  texts.length === 0 || texts.some((text) => name.toLowerCase().includes(text.toLowerCase()))

function chosenCases(options: PeersOptions, all: readonly EchoCase[]): readonly EchoCase[] {
  const cases = all.filter(({ name }) => matches(name, options.cases))
  if (cases.length > 0) return cases
  throw new UsageError(`--case ${options.cases.join(', ')}: no such case, only ${all.map(({ name }) => name).join('; ')}`)
}

const skippedLine = ({ name, why }: SkippedPeer): string => `skipped: ${name}: ${why}`

/** Measures everything planned; returns the figures, and whether a server failed. */
async function measureAll(plans: readonly Plan[], { rounds, seconds }: PeersOptions): Promise<{ all: EchoFigures[]; failed: boolean }> {
  const estimates = plans.map((plan) => estimate(plan.case, plan.servers, rounds, seconds))
  const total = estimates.reduce((sum, each) => sum + each.seconds, 0)
  console.log(`${plural(plans.length, 'case')}, ${plural(rounds, 'round')} of ${seconds} s: about ${duration(total)}; Ctrl-C ends it`)
  const progress = new Progress(estimates.reduce((sum, each) => sum + each.steps, 0))
  const all: EchoFigures[] = []
  let failed = false
  const onFailure = (what: string): void => {
    failed = true
    progress.clear()
    console.error(`failed: ${what}`)
  }
  for (const { case: each, servers } of plans) {
    all.push(await measureCase(each, servers, { rounds, seconds, onStep: (what) => progress.step(what), onFailure }))
  }
  progress.clear()
  return { all, failed }
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const duration = (seconds: number): string => (seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`)

async function install(): Promise<void> {
  if (isInstalled()) return
  console.error('installing the peers into benchmarks/peers/node_modules (about 120 MB) …')
  const problem = await installPeers()
  if (problem !== undefined) console.error(`installing the peers: ${problem}; going on with what is there`)
}

/** Compares with the peers; returns the exit code. */
async function comparePeers(options: PeersOptions): Promise<number> {
  const cases = chosenCases(options, ECHO_CASES)
  const peerNames = Object.values(PEER)
  if (!peerNames.some((name) => matches(name, options.only))) {
    throw new UsageError(`--only ${options.only.join(', ')}: no such peer, only ${peerNames.join(', ')}`)
  }
  if (options.install) await install()
  const plans: Plan[] = []
  const skipped = new Map<string, SkippedPeer>()
  for (const each of cases) {
    const settings = { protocol: each.load.protocol, slabBytes: each.slabBytes }
    const found = await availablePeers(settings)
    for (const peer of found.skipped) if (matches(peer.name, options.only)) skipped.set(peer.name, peer)
    plans.push({ case: each, servers: [...knottyServers(settings), ...found.peers.filter(({ name }) => matches(name, options.only))] })
  }
  const grpc = await checkGrpc()
  const machine = machineLine(describeMachine())
  console.log(`${machine}\nload generator: ${GENERATOR}`)
  for (const peer of skipped.values()) console.log(skippedLine(peer))
  console.log(grpc === undefined ? '@grpc/grpc-js: installed and starts; compared with when there is an RPC package' : skippedLine(grpc))
  const { all, failed } = await measureAll(plans, options)
  const servers = [...Object.values(KNOTTY), ...peerNames].filter((name) => all.some(({ rates }) => rates.has(name)))
  console.log(`\n${[peerTable(all, servers), targetTable(all)].filter(Boolean).join('\n\n')}`)
  save(options, 'peers/echo', all)
  if (options.write !== undefined) {
    const head = pageHead(options, machine, await versionsOf(servers))
    const absent = [...skipped.values(), ...(grpc === undefined ? [] : [grpc])].map((peer) => `- ${skippedLine(peer)}`).join('\n')
    const aimedAt = 'What is to be reached, Knotty on libuv to the other in the same round:'
    const parts = [head, absent, peerMarkdown(all, servers), aimedAt, targetMarkdown(all)]
    writeSection(options.write, 'peers', parts.filter(Boolean).join('\n\n'))
    console.log(`written: ${options.write}`)
  }
  return failed ? 1 : 0
}

/** Of the peers that do not run on this Node. */
async function versionsOf(servers: readonly string[]): Promise<string[]> {
  const bun = servers.includes(PEER.bun) ? [`Bun ${await bunVersion()}`] : []
  return servers.includes(PEER.netty) ? [...bun, await nettyVersions()] : bun
}

/** Runs Knotty's servers, and the one on the handle, on several Nodes; returns the exit code. */
async function compareLines(options: PeersOptions): Promise<number> {
  const cases = chosenCases(options, ECHO_CASES.filter(({ load }) => load.protocol === 'framed'))
  const asked = [...(options.lines ? await supportedLines() : []), ...(await Promise.all(options.nodes.map(nodeAt)))]
  const lines = asked.filter((line): line is NodeLine => 'version' in line)
  const skipped = asked.filter((line): line is SkippedPeer => 'why' in line)
  const machine = machineLine(describeMachine())
  console.log(`${machine}\nload generator: ${GENERATOR}`)
  for (const line of skipped) console.log(skippedLine(line))
  if (lines.length === 0) throw new Error('there is no Node to compare')
  const columns = lines.map(({ version }) => ({ label: `Node ${version}`, servers: new Map<string, string>() }))
  const plans: Plan[] = []
  for (const each of cases) {
    const servers: Peer[] = []
    for (const [index, { path }] of lines.entries()) {
      for (const server of await serversOn(path, each)) {
        const { label, servers: shown } = columns[index]!
        const name = `${server.name} on ${label}`
        shown.set(name, server.name)
        servers.push({ ...server, name })
      }
    }
    plans.push({ case: each, servers })
  }
  const { all, failed } = await measureAll(plans, options)
  console.log(`\n${linesTable(all, columns)}`)
  save(options, 'peers/node-lines', all)
  if (options.write !== undefined) {
    const head = pageHead(options, machine, [`servers on ${columns.map(({ label }) => label).join(', ')}`])
    const absent = skipped.map((line) => `- ${skippedLine(line)}`).join('\n')
    writeSection(options.write, 'lines', [head, absent, linesMarkdown(all, columns)].filter(Boolean).join('\n\n'))
    console.log(`written: ${options.write}`)
  }
  return failed ? 1 : 0
}

async function serversOn(node: string, { load: { protocol }, slabBytes }: EchoCase): Promise<readonly Peer[]> {
  const settings = { protocol, slabBytes, node }
  return [...knottyServers(settings), ...nodePeers(settings).filter(({ name }) => name === PEER.handle || name === PEER.naive)]
}

function save({ json, command }: PeersOptions, bench: string, all: readonly EchoFigures[]): void {
  if (json === undefined) return
  writeFileSync(json, `${JSON.stringify(reportOf(command, all.flatMap((figures) => resultsOf(bench, figures))), null, 2)}\n`)
  console.log(`written: ${json}`)
}

/** What the tables of a page were made with. */
function pageHead({ command, rounds, seconds }: PeersOptions, machine: string, versions: readonly string[]): string {
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${machine}`,
    ...(versions.length === 0 ? [] : [`- Versions: ${versions.join(', ')}`]),
    `- Command: \`${process.env['KNOTTY_LOADGEN'] === undefined ? '' : 'KNOTTY_LOADGEN=loadgen '}${command}\``,
    `- Load generator: ${GENERATOR}`,
    `- ${plural(rounds, 'round')} of ${seconds} s, interleaved, every server in a process of its own each time; median, smallest and largest`,
  ].join('\n')
}

async function main(): Promise<number> {
  try {
    const options = parsePeersOptions(process.argv.slice(2))
    if (options.help) {
      console.log(PEERS_HELP)
      return 0
    }
    checkGenerator()
    const lines = options.lines || options.nodes.length > 0
    if (options.write !== undefined) checkSection(options.write, lines ? 'lines' : 'peers')
    return await (lines ? compareLines(options) : comparePeers(options))
  } catch (error) {
    console.error(error instanceof UsageError ? error.message : `bench:peers: ${(error as Error).message}`)
    return error instanceof UsageError ? 2 : 1
  }
}

const code = await main()
await endPrograms()
process.exit(code)
