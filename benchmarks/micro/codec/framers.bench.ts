// Framers: what a message costs from the bytes to the frame. A chunk holds 64 messages of 64 bytes; "cut" is the same stream in two
// reads, with the end of the first inside a message.
//
// Run:   npm run bench -- --filter framers
// Read:  nanoseconds a message.
import { Buffer } from 'node:buffer'
import { bench, pipelineHarness } from '@knotty/bench'
import { LengthFieldBasedFrameDecoder, LineBasedFrameDecoder, Varint32FrameDecoder } from '@knotty/codec'
import type { ChannelHandler } from '@knotty/transport'

const MESSAGES = 64
const body = (bytes: number): Buffer => Buffer.alloc(bytes, 'x')

function lengthField(bytes: number): Buffer {
  const header = Buffer.alloc(4)
  header.writeInt32BE(bytes)
  return Buffer.concat([header, body(bytes)])
}

const lengthFieldFramer = (): ChannelHandler =>
  new LengthFieldBasedFrameDecoder({ maxFrameLength: 1 << 20, lengthFieldLength: 4, initialBytesToStrip: 4 })
const lineFramer = (): ChannelHandler => new LineBasedFrameDecoder({ maxLength: 1024 })

/** Two cases: the messages in one chunk, and the same cut in two. */
function framer(name: string, make: () => ChannelHandler, frame: Buffer, messages: number = MESSAGES): void {
  const whole = Buffer.concat(Array.from({ length: messages }, () => frame))
  const at = Math.floor(messages / 2) * frame.length + Math.floor(frame.length / 2)
  bench(name, () => {
    const { read } = pipelineHarness(make())
    return () => read(whole)
  }, { perRun: messages })
  bench(`${name}, cut`, () => {
    const { read } = pipelineHarness(make())
    const [first, second] = [whole.subarray(0, at), whole.subarray(at)]
    return () => {
      read(first)
      read(second)
    }
  }, { perRun: messages, compareWith: name })
}

framer('length field, 64 B', lengthFieldFramer, lengthField(64))
framer('length field, 4 KiB', lengthFieldFramer, lengthField(4096), 16)
framer('varint, 64 B', () => new Varint32FrameDecoder(), Buffer.concat([Buffer.from([64]), body(64)]))
framer('line, 64 B', lineFramer, Buffer.concat([body(64), Buffer.from('\n')]))
