// Turns text to upper case over a protocol of its own: node packages/examples/dist/custom-protocol/server.js --port 9100
import {
  BackPressureHandler,
  type ChannelHandlerContext,
  EventLoopGroup,
  ServerBootstrap,
  shutdownOnSignal,
  SimpleChannelInboundHandler,
} from 'knotty'
import { portNumber, readOptions, runAsProgram } from '../command-line.js'
import { FAILURE, Message, REQUEST, RESPONSE } from './message.js'
import { MessageDecoder } from './message-decoder.js'
import { MessageEncoder } from './message-encoder.js'

/** The business of the server: messages in, messages out, no bytes. It keeps nothing of one connection, so one serves all. */
export class UpperCaseHandler extends SimpleChannelInboundHandler<Message> {
  readonly isSharable = true

  constructor() {
    super(Message)
  }

  override channelRead0(ctx: ChannelHandlerContext, message: Message): void {
    if (message.type === REQUEST) ctx.write(new Message(RESPONSE, message.text.toUpperCase()), null)
    else ctx.write(new Message(FAILURE, `type ${message.type} is no request`), null)
  }

  /** One flush for all answers to one read: ten requests in a packet are answered with one system call. */
  channelReadComplete(ctx: ChannelHandlerContext): void {
    ctx.flush()
  }
}

async function main(): Promise<void> {
  const { port, host } = readOptions({ port: '9100', host: '127.0.0.1' })
  const group = new EventLoopGroup()
  const upperCase = new UpperCaseHandler()
  const server = await new ServerBootstrap()
    .group(group)
    .childHandler((channel) => {
      channel.pipeline.addLast(new BackPressureHandler()) // a client that sends and does not read is not read either
      channel.pipeline.addLast(new MessageDecoder(), new MessageEncoder(), upperCase)
    })
    .bind(portNumber(port), host)
  shutdownOnSignal({ group, servers: server })
  console.log(`listening on ${String(server.localAddress)}`)
}

runAsProgram(import.meta.url, main)
