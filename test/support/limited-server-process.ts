// A server that may have few descriptors, told over IPC what to do (see limited-server.ts).
import { closeSync, openSync } from 'node:fs'
import process from 'node:process'
import { diagnostics, setLogger } from '@knotty/common'
import { type ChannelHandler, ChannelOption, EventLoopGroup, ServerBootstrap } from '@knotty/transport'
import type { LimitedServerCommand, LimitedServerState } from './limited-server.js'
import { SOCKET_TRANSPORTS } from './transports.js'

const [transportName, headroom, socketPath] = process.argv.slice(2)
const transport = SOCKET_TRANSPORTS.find(({ name }) => name === transportName) ?? SOCKET_TRANSPORTS[0]
const echo: ChannelHandler = { isSharable: true, channelRead: (ctx, msg) => ctx.writeAndFlush(msg, null) }
const quiet = (): void => undefined
setLogger({ debug: quiet, info: quiet, warn: quiet, error: quiet })

const group = new EventLoopGroup()
const bootstrap = new ServerBootstrap()
  .group(group)
  .channel(() => transport?.newServer() ?? process.exit(9))
  .childHandler((child) => void child.pipeline.addLast(echo))
if (headroom !== '') bootstrap.option(ChannelOption.DESCRIPTOR_HEADROOM, Number(headroom))
const server = await (socketPath === undefined ? bootstrap.bind(0, '127.0.0.1') : bootstrap.bind(socketPath))

const reasons: string[] = []
let accepted = 0
let published = 0
let withAddress = 0
server.events.on('accepted', () => accepted++)
server.events.on('refused', (event) => {
  reasons.push(event.reason)
  if (event.remoteAddress !== undefined) withAddress++
})
diagnostics.acceptRefused.subscribe(() => published++)

const files: number[] = []

function state(): LimitedServerState {
  const { user, system } = process.cpuUsage()
  return {
    accepted,
    reasons,
    published,
    withAddress,
    counters: { accepted: group.counters.accepted, refused: group.counters.refused },
    open: server.connectionCount,
    cpuMs: (user + system) / 1000,
  }
}

/** Opens files until the next descriptor would have this number. */
function fill(upTo: number): void {
  for (;;) {
    const fd = openSync('/dev/null', 'r')
    if (fd >= upTo) return closeSync(fd)
    files.push(fd)
  }
}

process.on('message', (message) => {
  const command = message as LimitedServerCommand
  if (command.op === 'fill') fill(command.upTo)
  if (command.op === 'empty') files.splice(0).forEach((fd) => closeSync(fd))
  process.send?.(state())
})
process.on('disconnect', () => process.exit())
process.send?.(String(server.localAddress))
