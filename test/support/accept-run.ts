import assert from 'node:assert/strict'
import { readlinkSync, writeSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setLogger } from '@knotty/common'
import { openSocketInodes } from '@knotty/testing'
import { type Channel, type ChannelHandlerContext, EventLoopGroup, type RefusedEvent, ServerBootstrap } from '@knotty/transport'
import type { AcceptCell } from './accept-cell.js'
import type { AcceptClient, ClientBatch, ConnectionKind, ConnectTarget } from './accept-client.js'
import type { ProbedServer, SocketHandle } from './probed-server.js'

/** Sends back what it gets. */
export class Echo {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.writeAndFlush(msg)
  }
}

/** Something that fails while it is on. */
export class Fault {
  on = true
  /** What {@link hit} throws. */
  error: Error = new Error('the injected fault')

  hit(): void {
    if (this.on) throw this.error
  }
}

/** One server under test with what it told. */
export class AcceptRun {
  readonly fault: Fault = new Fault()
  readonly group: EventLoopGroup = new EventLoopGroup()
  readonly cell: AcceptCell
  readonly channel: ProbedServer
  readonly refused: RefusedEvent[] = []
  readonly accepted: Channel[] = []
  /** Warnings and errors logged since the server was made. */
  readonly logged: { readonly message: string; readonly error: unknown }[] = []
  /** Free for a test: the children its server holds back. */
  readonly held: Channel[] = []
  readonly bootstrap: ServerBootstrap
  private readonly client: AcceptClient
  private readonly cleanups: (() => unknown)[] = []
  private before: ReadonlySet<string> = new Set()

  constructor(t: TestContext, cell: AcceptCell, client: AcceptClient) {
    this.cell = cell
    this.channel = cell.newServer()
    this.client = client
    this.bootstrap = new ServerBootstrap()
      .group(this.group)
      .channel(() => this.channel)
      .childHandler((ch) => void ch.pipeline.addLast(new Echo()))
    const record = (message: string, error?: unknown): void => void this.logged.push({ message, error })
    setLogger({ debug: () => undefined, info: () => undefined, warn: record, error: record })
    t.after(() => this.end())
  }

  /** Where a client connects to. */
  get target(): ConnectTarget {
    return this.cell.family.targetOf(this.channel)
  }

  /** Runs at the end, the last one first. */
  defer(cleanup: () => unknown): void {
    this.cleanups.push(cleanup)
  }

  async bind(): Promise<void> {
    await this.bootstrap.bind(this.cell.family.newAddress())
    this.channel.events.on('refused', (event) => this.refused.push(event))
    this.channel.events.on('accepted', (child) => this.accepted.push(child))
  }

  /** Connects from the client process, one connection for each kind; resolves when all stand. */
  open(kinds: readonly ConnectionKind[]): Promise<ClientBatch> {
    return this.client.open(this.target, kinds)
  }

  /** What comes back on a connection of its own. */
  echo(text = 'ping'): Promise<string> {
    return this.client.echo(this.target, text)
  }

  /** Sends, below every channel, what clients need to be able to reset their connections. */
  sendUnreadBytes(): void {
    if (!this.cell.family.resetsByUnreadBytes) return
    for (const { fd } of this.channel.handles) if (fd >= 0) writeSync(fd, 'u')
  }

  /** Sockets that are open from here on are counted as left. */
  countFromHere(): void {
    this.before = openSocketInodes()
  }

  /** Fails, naming the inodes, when this process has a socket that it did not have before, or the kernel one without a peer. */
  assertNoSocketLeft(): void {
    this.assertNoDescriptorLeft()
    this.assertNoStaleSocket()
  }

  /** No socket in /proc/self/fd that was not there before. */
  assertNoDescriptorLeft(): void {
    const left = [...openSocketInodes()].filter((inode) => !this.before.has(inode))
    assert.deepEqual(left, [], `socket inodes left in /proc/self/fd: ${left.join(', ')}`)
  }

  /** No socket of the server's address in /proc/net whose peer is gone. */
  assertNoStaleSocket(): void {
    const stale = this.cell.family.staleInodes(this.channel)
    assert.deepEqual(stale, [], `sockets without a peer in /proc/net, inodes ${stale.join(', ')}`)
  }

  /** How many refused connections the log tells of, in lines and in counts of suppressed lines. */
  get toldInLog(): number {
    return this.logged.reduce((sum, { message }) => {
      const line = message.includes('closed a connection from') ? 1 : 0
      const more = /\(and (\d+) more|closed (\d+) more/.exec(message)
      return sum + line + Number(more?.[1] ?? more?.[2] ?? 0)
    }, 0)
  }

  private async end(): Promise<void> {
    for (const cleanup of this.cleanups.reverse()) await cleanup()
    await this.group.shutdownGracefully({ quietPeriodMs: 0 })
    setLogger(undefined)
  }
}

/** The inode of an open handle's socket. */
export function inodeOf(handle: SocketHandle): string {
  return /\d+/.exec(readlinkSync(`/proc/self/fd/${handle.fd}`))?.[0] ?? assert.fail('the handle has no socket')
}
