import assert from 'node:assert/strict'
import {
  Bootstrap,
  type Channel,
  type ChannelFuture,
  type ChannelHandler,
  ChannelOption,
  type EventLoopGroup,
  type HostResolver,
  ServerBootstrap,
  type SocketAddressLike,
} from '@knotty/transport'
import type { LeakScope } from '../support/leak-scope.js'
import type { SideLogs } from './logs.js'
import { Side, type SideOptions } from './side.js'
import type { TransportKit } from './transport-kit.js'

export type Mode = 'autoRead' | 'manual'
export const MODES: readonly Mode[] = ['autoRead', 'manual']

/** Ends a scenario in a cell it does not apply to; the cell must be listed with this. */
export class NotApplicable extends Error {}

export interface Pair {
  readonly listener: Channel
  readonly server: Side
  readonly client: Side
}

export interface ListenOptions extends SideOptions {
  readonly group?: EventLoopGroup
  /** Of the server channel. */
  readonly handler?: ChannelHandler
  /** The initializer of accepted channels: it calls `attach`, now or later. */
  readonly initialize?: (attach: () => void) => void | Promise<void>
}

export interface ConnectOptions {
  readonly signal?: AbortSignal
  readonly resolver?: HostResolver
  /** Run in a task of the loop right behind the start of the connect, ahead of anything the kernel says. */
  readonly then?: () => void
}

/** One scenario on one transport in one mode. */
export class Cell {
  readonly kit: TransportKit
  readonly mode: Mode
  readonly group: EventLoopGroup
  readonly scope: LeakScope
  /** Those with compared logs. */
  readonly sides: Side[] = []
  private readonly everySide: Side[] = []
  /** Of the first accepted socket; of the listener or of a client where none was accepted. */
  inode: string | undefined = undefined
  private acceptedInode = false

  constructor(kit: TransportKit, mode: Mode, scope: LeakScope) {
    this.kit = kit
    this.mode = mode
    this.scope = scope
    this.group = scope.group()
    scope.onEnd(() => {
      for (const side of this.everySide) if (side.isOpen) side.channel.close()
    })
  }

  get manual(): boolean {
    return this.mode === 'manual'
  }

  side(label: string, options: SideOptions = {}): Side {
    const side = this.unlogged(label, options)
    this.sides.push(side)
    return side
  }

  /** A side whose logs are not compared. */
  unlogged(label: string, options: SideOptions = {}): Side {
    const side = new Side(label, options, this.manual)
    this.everySide.push(side)
    return side
  }

  /** For a server on the transport. */
  serverBootstrap(group: EventLoopGroup = this.group): ServerBootstrap {
    return new ServerBootstrap().group(group).channel(() => this.kit.transport.newServer())
  }

  /** Where to connect to reach the server. */
  addressOf(server: Channel): SocketAddressLike {
    return server.localAddress ?? assert.fail('the server is not bound')
  }

  /** A server whose `index`-th accepted channel becomes the side that `child` gives; it is closed at the end. */
  async listen(child: (index: number) => Side, options: ListenOptions = {}): Promise<Channel> {
    let accepted = 0
    const bootstrap = this.serverBootstrap(options.group).childHandler((channel) => {
      this.noteInode(channel)
      const attach = (): void => child(accepted++).attach(channel)
      return options.initialize === undefined ? attach() : options.initialize(attach)
    })
    if (options.handler !== undefined) bootstrap.handler(options.handler)
    for (const [key, value] of this.optionsOf(options)) bootstrap.childOption(key, value as never)
    const listener = await bootstrap.bind(this.kit.bindAddress())
    this.inode ??= this.kit.inode(listener)
    this.scope.onEnd(() => listener.close())
    return listener
  }

  /** Connects the side; the future is watched as `connect`. */
  connect(side: Side, address: SocketAddressLike, { signal, resolver, then }: ConnectOptions = {}): ChannelFuture<Channel> {
    const { transport } = this.kit
    const bootstrap = new Bootstrap().group(this.group).channel(() => transport.newClient()).handler((channel) => {
      side.attach(channel)
      if (then !== undefined) channel.eventLoop.execute(() => channel.eventLoop.execute(then))
    })
    for (const [key, value] of this.optionsOf(side.settings)) bootstrap.option(key, value as never)
    if (resolver !== undefined) bootstrap.resolver(resolver)
    return side.track('connect', bootstrap.connect(address, { signal }))
  }

  /** A connection that works, and whose ends are in no log: proof that what came before did no harm. */
  async connectAsUsual(): Promise<void> {
    const server = this.unlogged('server', { on: { read: (side, text) => side.send(text) } })
    const client = this.unlogged('client')
    const listener = await this.listen(() => server)
    await this.connect(client, this.addressOf(listener))
    client.send('as usual')
    await client.seen('read as usual')
    client.close()
    await Promise.all([server.ended, client.ended])
  }

  /** A connection whose two ends are active. */
  async pair(serverOptions: SideOptions = {}, clientOptions: SideOptions = {}): Promise<Pair> {
    const server = this.side('server', serverOptions)
    const client = this.side('client', clientOptions)
    const listener = await this.listen(() => server, serverOptions)
    await this.connect(client, this.addressOf(listener))
    await Promise.all([server.seen('active'), client.seen('active')])
    return { listener, server, client }
  }

  /** The client closes; done when both ends are torn down. */
  async finish({ server, client }: Pair): Promise<void> {
    client.close()
    await Promise.all([server.ended, client.ended])
  }

  /** The options of a side in this cell. */
  optionsOf({ options = [], reading = 'mode' }: SideOptions): SideOptions['options'] & {} {
    if (!this.manual && reading !== 'never') return options
    return [...options, [ChannelOption.AUTO_READ as unknown as ChannelOption<never>, false]]
  }

  /** Says that the scenario cannot be run in this cell. */
  skip(why: string): never {
    throw new NotApplicable(why)
  }

  /** The lines of one log by side, without those to be left out. */
  logs(log: 'inbound' | 'promises' | 'closing' | 'merged', without: readonly string[] = []): SideLogs {
    return Object.fromEntries(
      this.sides
        .map((side) => [side.label, side[log].filter((line) => !without.includes(line))] as const)
        .filter(([, lines]) => lines.length > 0),
    )
  }

  private noteInode(accepted: Channel): void {
    if (this.acceptedInode) return
    this.inode = this.kit.inode(accepted)
    this.acceptedInode = true
  }

  /** Nothing the scenario began is left. */
  assertOver(): void {
    for (const side of this.everySide) {
      assert.deepEqual([...side.pending], [], `${side.label}: operations that never completed`)
      assert.equal(side.isOpen, false, `${side.label}: the channel is open still`)
    }
  }
}
