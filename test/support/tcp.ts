import { once } from 'node:events'
import net from 'node:net'
import {
  Bootstrap,
  type Channel,
  type ChannelHandler,
  type ChannelOption,
  type EventLoopGroup,
  ServerBootstrap,
  type ServerChannel,
  type SocketAddress,
  type SocketAddressLike,
} from '@knotty/transport'
import { freePlace, placeOf, portOf } from './cell.js'
import type { LeakScope } from './leak-scope.js'

export type OptionValues = readonly (readonly [ChannelOption<never>, unknown])[]

/** One option with its value, typed. */
export function option<T>(key: ChannelOption<T>, value: T): readonly [ChannelOption<never>, unknown] {
  return [key as unknown as ChannelOption<never>, value]
}

export interface TestServer {
  readonly channel: ServerChannel
  readonly address: SocketAddress
  /** Accepted channels, in order. */
  readonly children: Channel[]
  /** The `index`-th accepted channel, as soon as its initializer runs. */
  child(index?: number): Promise<Channel>
}

/** Within the process, under a name that is free. */
export const LOCAL_PLACE: SocketAddressLike = { localId: '' }

/** A Knotty server; each child gets what `handlers` makes. */
export async function serveAt(
  scope: LeakScope,
  group: EventLoopGroup,
  place: SocketAddressLike,
  handlers: (channel: Channel) => readonly ChannelHandler[],
  childOptions: OptionValues = [],
): Promise<TestServer> {
  const children: Channel[] = []
  const waiting = new Map<number, (channel: Channel) => void>()
  const bootstrap = new ServerBootstrap().group(group).childHandler((channel) => {
    channel.pipeline.addLast(...handlers(channel))
    const index = children.push(channel) - 1
    waiting.get(index)?.(channel)
  })
  for (const [key, value] of childOptions) bootstrap.childOption(key, value as never)
  const channel = await bootstrap.bind(place)
  scope.onEnd(async () => {
    for (const child of children) if (child.isOpen) child.close()
    await channel.close()
  })
  return {
    channel,
    address: channel.localAddress as SocketAddress,
    children,
    child: (index = 0) => {
      const child = children[index]
      return child === undefined ? new Promise((resolve) => waiting.set(index, resolve)) : Promise.resolve(child)
    },
  }
}

/** A Knotty server on a free port, over the transport of the test's cell (cell.ts). */
export async function serve(
  scope: LeakScope,
  group: EventLoopGroup,
  handlers: (channel: Channel) => readonly ChannelHandler[],
  childOptions: OptionValues = [],
): Promise<TestServer & { readonly port: number }> {
  const server = await serveAt(scope, group, freePlace(), handlers, childOptions)
  return { ...server, port: portOf(server.address) }
}

/** A Knotty client that is connected. */
export async function connectTo(
  scope: LeakScope,
  group: EventLoopGroup,
  place: SocketAddressLike,
  handlers: readonly ChannelHandler[] = [],
  options: OptionValues = [],
): Promise<Channel> {
  const bootstrap = new Bootstrap().group(group).handler((channel) => channel.pipeline.addLast(...handlers))
  for (const [key, value] of options) bootstrap.option(key, value as never)
  const channel = await bootstrap.connect(place)
  scope.onEnd(() => channel.close())
  return channel
}

/** A Knotty client that is connected to the port of {@link serve}. */
export function connect(
  scope: LeakScope,
  group: EventLoopGroup,
  port: number,
  handlers: readonly ChannelHandler[] = [],
  options: OptionValues = [],
): Promise<Channel> {
  return connectTo(scope, group, placeOf(port), handlers, options)
}

/** A peer of Node's own: its sockets are not read until somebody resumes them. */
export interface PlainServer {
  readonly port: number
  /** The next accepted socket. */
  accept(): Promise<net.Socket>
}

export async function plainServer(scope: LeakScope): Promise<PlainServer> {
  const sockets: net.Socket[] = []
  const ready: net.Socket[] = []
  const waiting: ((socket: net.Socket) => void)[] = []
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    const next = waiting.shift()
    if (next === undefined) ready.push(socket)
    else next(socket)
  })
  server.listen(nodeOptions(freePlace()))
  await once(server, 'listening')
  scope.onEnd(async () => {
    for (const socket of sockets) await destroyed(socket)
    server.close()
    await once(server, 'close')
  })
  return {
    port: portOf(server.address()),
    accept: () => {
      const socket = ready.shift()
      return socket === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(socket)
    },
  }
}

/** A client of Node's own, connected; it swallows its errors. */
export async function plainClient(scope: LeakScope, port: number, options: { allowHalfOpen?: boolean } = {}): Promise<net.Socket> {
  const socket = net.connect({ ...nodeOptions(placeOf(port)), allowHalfOpen: options.allowHalfOpen ?? false } as net.NetConnectOpts)
  scope.onEnd(() => destroyed(socket))
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  return socket
}

/** Done when the socket is closed, after an error or without. */
export function untilClosed(socket: net.Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => void socket.once('close', () => resolve()))
}

async function destroyed(socket: net.Socket): Promise<void> {
  if (socket.closed) return
  socket.destroy()
  await untilClosed(socket)
}

/** Reads until the end, or the reset, of the connection. */
export async function readAll(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const over = new Promise<void>((resolve) => {
    socket.once('end', resolve)
    socket.once('close', () => resolve())
  })
  socket.resume()
  await over
  return Buffer.concat(chunks)
}

/** Reads exactly so many bytes. */
export async function readBytes(socket: net.Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let got = 0
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk)
      got += chunk.length
      if (got < length) return
      socket.off('data', onData)
      socket.off('close', onOver)
      socket.off('end', onOver)
      resolve()
    }
    const onOver = (): void => reject(new Error(`over after ${got} of ${length} bytes`))
    socket.on('data', onData)
    socket.once('close', onOver)
    socket.once('end', onOver) // a half-open socket does not close
    socket.resume()
  })
  return Buffer.concat(chunks)
}

/** An address as net.connect and Server.listen take it. */
function nodeOptions(place: SocketAddressLike): net.ListenOptions {
  return 'path' in place ? { path: place.path } : { port: (place as { port: number }).port, host: '127.0.0.1' }
}

/** A promise and what completes it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((ok, fail) => {
    resolve = ok
    reject = fail
  })
  return { promise, resolve, reject }
}
