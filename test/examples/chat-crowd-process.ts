// A process of its own for one crowd of the chat test: told what to do, and reporting, over IPC.
import process from 'node:process'
import { EventLoopGroup } from '@knotty/transport'
import { Crowd, type CrowdPlan } from './chat-crowd.js'

/** What the test says. */
export type CrowdOrder = { readonly chat: CrowdPlan } | 'settle' | 'leave'

const group = new EventLoopGroup()
let crowd: Crowd

async function obey(order: CrowdOrder): Promise<unknown> {
  if (order === 'settle') {
    await crowd.settle()
    return { lives: crowd.lives, problems: crowd.problems }
  }
  if (order === 'leave') {
    await crowd.leave()
    await group.shutdownGracefully({ quietPeriodMs: 0 })
    process.disconnect()
    return undefined
  }
  crowd = new Crowd(order.chat, group)
  await crowd.chat()
  return 'chatted'
}

process.on('message', (order: CrowdOrder) => {
  obey(order).then(
    (answer) => process.connected && process.send?.(answer),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
