// The client of the accept tests: a process of its own with plain node:net, told what to do over IPC (see accept-client.ts).
import net from 'node:net'
import process from 'node:process'
import type { ClientCommand, ConnectionKind, ConnectTarget } from './accept-client.js'

interface Connection {
  readonly socket: net.Socket
  readonly kind: ConnectionKind
  /** What ended it, as the client saw it. */
  readonly seen: Promise<string>
}

const batches = new Map<number, Connection[]>()

function open(target: ConnectTarget, kind: ConnectionKind): Connection & { readonly connected: Promise<void> } {
  // Half-open is allowed, so that FIN, RST and close of the server can be told apart and are answered here.
  const socket = net.connect({ ...target, allowHalfOpen: true })
  const resetsByUnreadBytes = kind === 'reset' && 'path' in target
  const connected = new Promise<void>((resolve) => {
    socket.once('connect', () => {
      if (kind === 'silent' || resetsByUnreadBytes) resolve()
      else socket.write('x', () => resolve())
    })
    socket.once('close', () => resolve())
  })
  const seen = new Promise<string>((resolve) => {
    let ended = false
    socket.on('end', () => {
      ended = true
      socket.end()
    })
    socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    socket.on('close', () => resolve(ended ? 'end' : 'close'))
  })
  if (resetsByUnreadBytes) socket.pause()
  else socket.resume()
  return { socket, kind, seen, connected }
}

/** Of a Unix domain socket, which has no RST, the unread bytes do it. */
function reset(socket: net.Socket): void {
  if (socket.remotePort === undefined) socket.destroy()
  else socket.resetAndDestroy()
}

/** Connects, writes, and gives what came back until as many bytes are there. */
function echo(target: ConnectTarget, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = net.connect(target, () => socket.write(text))
    socket.on('data', (bytes) => {
      received += String(bytes)
      if (received.length < text.length) return
      socket.end()
    })
    socket.on('error', (error) => (received += `(${(error as NodeJS.ErrnoException).code})`))
    socket.on('close', () => resolve(received))
  })
}

async function run(command: ClientCommand): Promise<unknown> {
  if (command.op === 'echo') return echo(command.target, command.text)
  if (command.op === 'open') {
    const batch = command.kinds.map((kind) => open(command.target, kind))
    batches.set(command.batch, batch)
    await Promise.all(batch.map((each) => each.connected))
    return undefined
  }
  const batch = batches.get(command.batch) ?? []
  if (command.op === 'act') {
    await Promise.all(
      batch.map(({ socket, kind }) => {
        if (kind === 'reset') reset(socket)
        if (kind === 'gone') socket.destroy()
        if (kind !== 'fin' || socket.destroyed || socket.writableEnded) return undefined
        return new Promise<void>((resolve) => socket.once('close', resolve).end(() => resolve()))
      }),
    )
    return undefined
  }
  batches.delete(command.batch)
  return Promise.all(batch.map((each) => each.seen))
}

process.on('message', (message) => {
  const { id, command } = message as { id: number; command: ClientCommand }
  run(command).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
