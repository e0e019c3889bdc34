import assert from 'node:assert/strict'
import { readlinkSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setLogger } from '@knotty/common'
import {
  type AcceptedSocketGuard,
  type Channel,
  type ChannelHandlerContext,
  EventLoopGroup,
  LibuvServerChannel,
  LibuvSocketChannel,
  type RefusedEvent,
  ServerBootstrap,
  type TcpSocketAddress,
} from '@knotty/transport'
import type { TcpHandle } from '../../packages/transport/dist/socket/libuv/binding.js'
import { openSocketInodes, tcpRows } from './proc-sockets.js'
import type { AcceptClient } from './accept-client.js'

/** Sends back what it gets. */
export class Echo {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    ctx.writeAndFlush(msg)
  }
}

/** A server whose children a test makes itself, and whose raw handles it sees. */
export class ProbedServer extends LibuvServerChannel {
  /** The raw handles accepted so far. */
  readonly handles: TcpHandle[] = []
  make: (handle: TcpHandle, guard: AcceptedSocketGuard) => LibuvSocketChannel = (handle, guard) =>
    new LibuvSocketChannel(this, handle, guard)
  /** Sees each handle before a channel is made of it. */
  onHandle: (handle: TcpHandle) => void = () => undefined

  override newChild(handle: TcpHandle, guard: AcceptedSocketGuard): LibuvSocketChannel {
    this.handles.push(handle)
    this.onHandle(handle)
    return this.make(handle, guard)
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
  readonly channel: ProbedServer = new ProbedServer()
  readonly client: AcceptClient
  readonly refused: RefusedEvent[] = []
  readonly accepted: Channel[] = []
  /** Warnings and errors logged since the server was made. */
  readonly logged: { readonly message: string; readonly error: unknown }[] = []
  /** Free for a test: the children its server holds back. */
  readonly held: Channel[] = []
  readonly bootstrap: ServerBootstrap
  private readonly cleanups: (() => unknown)[] = []
  private before: ReadonlySet<string> = new Set()

  constructor(t: TestContext, client: AcceptClient) {
    this.client = client
    this.bootstrap = new ServerBootstrap()
      .group(this.group)
      .channel(() => this.channel)
      .childHandler((ch) => void ch.pipeline.addLast(new Echo()))
    const record = (message: string, error?: unknown): void => void this.logged.push({ message, error })
    setLogger({ debug: () => undefined, info: () => undefined, warn: record, error: record })
    t.after(() => this.end())
  }

  get port(): number {
    return (this.channel.localAddress as TcpSocketAddress | undefined)?.port ?? assert.fail('the server is not bound')
  }

  /** Runs at the end, the last one first. */
  defer(cleanup: () => unknown): void {
    this.cleanups.push(cleanup)
  }

  async bind(): Promise<void> {
    await this.bootstrap.bind(0, '127.0.0.1')
    this.channel.events.on('refused', (event) => this.refused.push(event))
    this.channel.events.on('accepted', (child) => this.accepted.push(child))
  }

  /** Sockets that are open from here on are counted as left. */
  countFromHere(): void {
    this.before = openSocketInodes()
  }

  /** Fails, naming the inodes, when this process has a socket that it did not have before, or the port one in CLOSE_WAIT. */
  assertNoSocketLeft(): void {
    const left = [...openSocketInodes()].filter((inode) => !this.before.has(inode))
    assert.deepEqual(left, [], `socket inodes left in /proc/self/fd: ${left.join(', ')}`)
    const waiting = tcpRows(this.port).filter((row) => row.state === 'CLOSE_WAIT')
    assert.deepEqual(waiting, [], `sockets in CLOSE_WAIT, inodes ${waiting.map((row) => row.inode).join(', ')}`)
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
export function inodeOf(handle: TcpHandle): string {
  return /\d+/.exec(readlinkSync(`/proc/self/fd/${handle.fd}`))?.[0] ?? assert.fail('the handle has no socket')
}
