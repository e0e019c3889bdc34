import { ByteBuf, release } from '@knotty/buffer'
import { LengthFieldBasedFrameDecoder } from '@knotty/codec'
import { seededBytes } from '@knotty/testing'
import type { ChannelHandler, ChannelHandlerContext } from '@knotty/transport'
import type { Side } from './side.js'

/** Passes bytes on as one text when so many have come, however the transport cut them. */
export class Gather implements ChannelHandler {
  private readonly length: number
  private text = ''

  constructor(length: number) {
    this.length = length
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    this.text += ByteBuf.isByteBuf(msg) ? msg.toString('latin1') : Buffer.from(msg as Uint8Array).toString('latin1')
    release(msg)
    while (this.text.length >= this.length) {
      const whole = this.text.slice(0, this.length)
      this.text = this.text.slice(this.length)
      ctx.fireChannelRead(whole)
    }
  }
}

/** Counts what comes from the transport: `side.bytes` then says how much has arrived. */
export class CountBytes implements ChannelHandler {
  private readonly side: () => Side

  constructor(side: () => Side) {
    this.side = side
  }

  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    const side = this.side()
    side.bytes += (msg as ByteBuf).readableBytes
    ctx.fireChannelRead(msg)
    side.check()
  }
}

/** Frames of a 4-byte length and so many bytes. */
export function newFramer(): LengthFieldBasedFrameDecoder {
  return new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 22, lengthFieldLength: 4, initialBytesToStrip: 4 })
}

/** A frame whose content tells its length. */
export function frameOf(length: number): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(length)
  return Buffer.concat([header, seededBytes(length, length)])
}

/** What {@link DescribeFrames} makes of a frame made by {@link frameOf}. */
export function described(length: number): string {
  return `frame of ${length}`
}

/** Turns each frame into a text that says its length, and whether a byte of it is wrong. */
export class DescribeFrames implements ChannelHandler {
  channelRead(ctx: ChannelHandlerContext, msg: unknown): void {
    const bytes = Buffer.from((msg as ByteBuf).toString('latin1'), 'latin1')
    release(msg)
    ctx.fireChannelRead(bytes.equals(seededBytes(bytes.length, bytes.length)) ? described(bytes.length) : `damaged ${described(bytes.length)}`)
  }
}
