import assert from 'node:assert/strict'
import { eventually } from '@knotty/testing'
import { type Channel, type ChannelHandler, type ChannelHandlerContext } from '@knotty/transport'
import { type LeakScope } from '../../support/leak-scope.js'
import { connectTo, LOCAL_PLACE, type OptionValues, serveAt } from '../../support/tcp.js'

/** Keeps the messages it gets, still retained, and the names of other events. */
export class Keeper implements ChannelHandler {
  readonly messages: unknown[] = []
  readonly log: string[] = []

  channelRead(_ctx: ChannelHandlerContext, msg: unknown): void {
    this.messages.push(msg)
  }

  channelReadComplete(): void {
    this.log.push('complete')
  }

  exceptionCaught(_ctx: ChannelHandlerContext, cause: Error): void {
    this.log.push((cause as { code?: string }).code ?? cause.name)
  }

  channelInactive(): void {
    this.log.push('inactive')
  }
}

/** Both ends of a connection. */
export interface Pair {
  readonly client: Channel
  readonly child: Channel
  readonly atClient: Keeper
  readonly atChild: Keeper
}

/** A connection within the process, registered at both ends. */
export async function open(scope: LeakScope, childOptions: OptionValues = [], clientOptions: OptionValues = []): Promise<Pair> {
  const group = scope.group()
  const atClient = new Keeper()
  const atChild = new Keeper()
  const server = await serveAt(scope, group, LOCAL_PLACE, () => [atChild], childOptions)
  const client = await connectTo(scope, group, server.address, [atClient], clientOptions)
  const child = await server.child()
  await eventually(() => assert.ok(child.isActive && child.isRegistered))
  return { client, child, atClient, atChild }
}

/** Long enough for every message on its way to arrive. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
