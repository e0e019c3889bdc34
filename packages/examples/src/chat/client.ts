// A console client: node packages/examples/dist/chat/client.js --port 9001 --user ann
import { createInterface } from 'node:readline'
import { EventLoopGroup } from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'
import { ChatClient } from './chat-client.js'
import type { Delivery, Reply } from './protocol.js'

const HELP = '/to USER TEXT, /join GROUP, /leave GROUP, /group GROUP TEXT, /quit'

/** The reply to a line of input, or undefined for a line that is no command. */
function run(client: ChatClient, line: string): Promise<Reply> | undefined {
  const [, command, name = '', text = ''] = /^\/(\w+)(?:\s+(\S+))?(?:\s+(.*))?$/.exec(line) ?? []
  if (command === 'to' && text) return client.say({ user: name, text })
  if (command === 'group' && text) return client.say({ group: name, text })
  if (command === 'join' && name) return client.join(name)
  if (command === 'leave' && name) return client.leave(name)
  return undefined
}

function printDelivery({ from, group, text }: Delivery): void {
  console.log(`${from}${group && ` in ${group}`}: ${text}`)
}

function printReply({ status, accepted, busy }: Reply): void {
  console.log(`-> ${status}${accepted > 0 ? `, ${accepted} will get it` : ''}${busy.length > 0 ? `, too slow: ${busy.join(', ')}` : ''}`)
}

/** Runs the lines of standard input one after the other, until /quit, its end, or the end of the connection. */
async function runLines(client: ChatClient): Promise<void> {
  const lines = createInterface({ input: process.stdin })
  client.channel.closeFuture.addListener(() => lines.close())
  for await (const line of lines) {
    if (line === '/quit') return
    const reply = run(client, line)
    if (reply !== undefined) printReply(await reply)
    else if (line !== '') console.log(HELP)
  }
}

async function main(): Promise<void> {
  const { port, host, user, password } = readOptions({ port: '9001', host: '127.0.0.1', user: '', password: '' })
  if (user === '') throw new Error('--user is missing')
  const group = new EventLoopGroup()
  try {
    const client = await ChatClient.connect({ group, port: portNumber(port), host, onDelivery: printDelivery })
    const { status } = await client.login(user, password)
    if (status !== 'ok') throw new Error(`the server says ${status}`)
    console.log(`logged in as ${user}; ${HELP}`)
    await runLines(client)
    if (!client.channel.isActive) throw new Error('the server closed the connection')
  } finally {
    await group.shutdownGracefully({ quietPeriodMs: 0 })
  }
}

runAsProgram(import.meta.url, main)
