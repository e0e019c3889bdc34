import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, type TestContext } from 'node:test'
import { eventually } from '@knotty/testing'
import { rawSocketCloser, type RawSocket } from '../../../packages/transport/dist/socket/accepted-socket-guard.js'
import type { ClientBatch, ConnectionKind } from '../support/accept-client.js'
import { type AcceptRun, inodeOf } from '../support/accept-run.js'
import type { SocketHandle } from '../support/probed-server.js'
import type { AcceptExit } from './accept-exit.js'
import type { CellSuite } from './cell-suite.js'
import { laterExits } from './exits-later.js'
import { memoryExits } from './exits-memory.js'
import { setupExits } from './exits-setup.js'

/** The twelve exits of the accept path, each plainly, with a process that survives every error, and with the close taken out. */
export function testExits(suite: CellSuite): void {
  describe(`the accept path over ${suite.cell.transport.name} closes the accepted sockets when`, () => {
    for (const exit of [...setupExits, ...laterExits, ...memoryExits]) {
      suite.test(exit.name, (run) => runExit(run, exit))

      suite.test(
        `${exit.name}, and an uncaughtException handler swallows everything`,
        async (run, t) => {
          const swallowed: unknown[] = []
          process.setUncaughtExceptionCaptureCallback((error) => swallowed.push(error))
          t.after(() => process.setUncaughtExceptionCaptureCallback(null))
          await runExit(run, exit)
          assert.deepEqual(swallowed, [], 'nothing gets that far')
        },
        exit.name,
      )

      suite.test(`${exit.name}: a socket that is not closed is reported by its inode`, (run, t) => runWithoutClose(t, run, exit), exit.name)
    }
  })
}

async function runExit(run: AcceptRun, exit: AcceptExit): Promise<void> {
  const kinds = exit.kinds ?? run.cell.kinds
  const batch = await connect(run, exit, kinds)
  const seen = await batch.ends()
  await eventually(() => run.assertNoDescriptorLeft())
  assert.equal(seen.length, kinds.length)
  for (const end of seen) assert.ok(['end', 'close', 'ECONNRESET', 'EPIPE'].includes(end), end)
  if (exit.closedBy === 'guard') assertRefused(run, exit, kinds.length)
  else assert.deepEqual([run.refused.length, run.group.counters.refused, run.accepted.length], [0, 0, kinds.length])
  if (exit.peerErrors !== undefined) assert.equal(run.group.counters.peerErrors, exit.peerErrors)

  run.fault.on = false
  if (exit.closesServer !== true) assert.equal(await run.echo(), 'ping', 'a later connection is served')
  await eventually(() => run.assertNoSocketLeft())
  await run.channel.close()
  assertLogged(run, exit, exit.closedBy === 'guard' ? kinds.length : 0)
}

/** The eye of the other runs: with the close taken out, their assertion must fail and name each socket. */
async function runWithoutClose(t: TestContext, run: AcceptRun, exit: AcceptExit): Promise<void> {
  const kinds = exit.kinds ?? run.cell.kinds
  const restore = exit.closedBy === 'guard' ? keepRawSockets(run) : keepHandles(run)
  t.after(restore)
  const batch = await connect(run, exit, kinds)
  const inodes = run.channel.handles.slice(-kinds.length).map(inodeOf)
  assert.throws(
    () => run.assertNoDescriptorLeft(),
    (error: Error) => {
      for (const inode of inodes) assert.match(error.message, new RegExp(`socket inodes left.*\\b${inode}\\b`))
      return true
    },
  )
  assertStale(run, inodes, kinds)
  restore()
  await batch.ends()
  await eventually(() => run.assertNoDescriptorLeft())
}

/** The other eye: every kept Unix domain socket is in the kernel's table, of TCP those whose peer has sent FIN. */
function assertStale(run: AcceptRun, inodes: readonly string[], kinds: readonly ConnectionKind[]): void {
  const fins = kinds.filter((kind) => kind === 'fin').length
  const least = run.cell.transport.family === 'unix' ? inodes.length : fins
  if (least === 0) return
  const stale = run.cell.family.staleInodes(run.channel).filter((inode) => inodes.includes(inode))
  assert.ok(stale.length >= least, `of the inodes ${inodes.join(', ')} only ${stale.join(', ')} are seen in /proc/net`)
}

/** Binds, connects, waits until the exit was taken by every connection. */
async function connect(run: AcceptRun, exit: AcceptExit, kinds: readonly ConnectionKind[]): Promise<ClientBatch> {
  exit.setUp(run)
  await run.bind()
  await exit.bound?.(run)
  const before = run.channel.handles.length
  run.countFromHere()
  const batch = await run.open(kinds)
  await eventually(() => assert.equal(run.channel.handles.length, before + kinds.length))
  run.sendUnreadBytes()
  await batch.act()
  await exit.during?.(run)
  if (exit.closedBy === 'guard') await eventually(() => assert.equal(run.refused.length, kinds.length))
  else await eventually(() => assert.deepEqual(run.accepted.map((child) => child.isOpen), kinds.map(() => false)))
  return batch
}

function assertRefused(run: AcceptRun, exit: AcceptExit, count: number): void {
  assert.equal(run.group.counters.refused, count)
  assert.deepEqual(run.accepted, [])
  assert.deepEqual(
    run.refused.map((event) => event.reason),
    Array.from({ length: count }, () => exit.reason),
  )
  for (const { cause, remoteAddress } of run.refused) {
    if (exit.cause === undefined) assert.equal(cause, run.fault.error)
    else if (exit.cause === null) assert.equal(cause, undefined)
    else exit.cause(cause ?? assert.fail('there is no cause'), run)
    // A reset connection has no peer any more when it is reset before it was accepted.
    if (remoteAddress !== undefined) assert.match(remoteAddress.toString(), run.cell.family.peerInLog)
  }
  assert.equal(run.refused.some((event) => event.remoteAddress !== undefined), run.cell.family.peersHaveAddresses)
}

function assertLogged(run: AcceptRun, exit: AcceptExit, count: number): void {
  assert.equal(run.toldInLog, count)
  const refusals = run.logged.filter(({ message }) => /closed a connection from|closed \d+ more connections/.test(message))
  for (const { message, error } of refusals) {
    if (!message.includes('closed a connection from')) continue
    assert.ok(message.includes(exit.reason as string), message)
    if (exit.cause === undefined) assert.equal(error, run.fault.error)
  }
  const others = run.logged.filter((line) => !refusals.includes(line))
  for (const { message } of others) assert.match(message, exit.alsoLogs ?? /^$/)
}

/** The guard closes nothing until the returned function is called, which closes what the guard wanted closed. */
function keepRawSockets(_run: AcceptRun): () => void {
  const kept: RawSocket[] = []
  const original = rawSocketCloser.close
  rawSocketCloser.close = (socket) => void kept.push(socket)
  return () => {
    rawSocketCloser.close = original
    for (const socket of kept.splice(0)) socket.close()
  }
}

/** After the hand-over the channel closes its handle itself: the handle's own close is what has to be taken out then. */
function keepHandles(run: AcceptRun): () => void {
  const kept: SocketHandle[] = []
  run.channel.onHandle = (handle) => {
    kept.push(handle)
    handle.close = () => undefined
  }
  return () => {
    for (const handle of kept.splice(0)) {
      delete (handle as Partial<SocketHandle>).close
      handle.close()
    }
  }
}
