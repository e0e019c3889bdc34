import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import {
  AsyncChannel,
  Bootstrap,
  type ByteBuf,
  ByteToMessageCodec,
  type ChannelHandler,
  type ChannelHandlerContext,
  type CompletePipeline,
  type EmptyPipeline,
  EmbeddedChannel,
  type Frame,
  type HandlerTypes,
  IllegalArgumentError,
  LengthFieldPrepender,
  LocalSocketAddress,
  MessageToByteEncoder,
  MessageToMessageDecoder,
  type Pass,
  ServerBootstrap,
  SimpleChannelInboundHandler,
  type TypedHandler,
  type TypedPipeline,
  Unpooled,
} from 'knotty'
import { leakScope } from '../../../support/leak-scope.js'
import { framer, OnlyRequests, type Ping, PingHandler, Request, RequestHandler, type Response, RpcCodec } from './typed-handlers.js'
import { unencoded, wrong, WithoutTypes, WrongArgument, WrongElement, WrongList } from './typed-wrong.js'

/** Pipelines that must compile. */
const right: Readonly<Record<string, (p: EmptyPipeline) => CompletePipeline>> = {
  'a framer, a codec, a handler for each kind of message': (p) =>
    p.addLast(framer()).addLast(new RpcCodec()).addLast(new PingHandler()).addLast(new RequestHandler()),
  'a handler that forwards everything, before and between': (p) =>
    p
      .addLast(new Idle())
      .addLast(framer())
      .addLast(new LengthFieldPrepender({ lengthFieldLength: 2 }))
      .addLast({ channelReadComplete: (ctx) => ctx.fireChannelReadComplete() })
      .addLast(new RpcCodec())
      .addLast(new Idle())
      .addLast(new PingHandler())
      .addLast(new RequestHandler()),
  names: (p) =>
    p.addLast('framer', framer()).addLast(null, new RpcCodec()).addLast(new PingHandler()).addLast('last', new RequestHandler()),
  'a class of its own, once the other kinds are taken': (p) =>
    p.addLast(framer()).addLast(new RpcCodec()).addLast(new PingHandler()).addLast(new OnlyRequests()),
  'bytes without a framer, for a handler of bytes': (p) => p.addLast(new Bytes()),
  'a frame where bytes are taken': (p) => p.addLast(framer()).addLast(new Bytes()),
  'a subclass of a codec': (p) => p.addLast(new NumberCodec()).addLast(new NumberHandler()),
  'two decoders that each take a part': (p) =>
    p.addLast(framer()).addLast(new RpcCodec()).addLast(new PingToRequest()).addLast(new RequestHandler()),
  'two encoders side by side': (p) =>
    p.addLast(new TextEncoder()).addLast(new NumberCodec()).addLast(new NumberHandler<number | string>()),
  'an AsyncChannel for what is left': (p) =>
    p.addLast(framer()).addLast(new RpcCodec()).addLast(new PingHandler()).addLast(AsyncChannel.serve<Request, Response>(async () => {})),
  'an AsyncChannel of bytes': (p) => p.addLast(new AsyncChannel<ByteBuf, Uint8Array>()),
  'a part that a function builds': (p) => framed(p).addLast(new RpcCodec()).addLast(new Everything()),
  'a handler that takes everything': (p) => p.addLast(framer()).addLast(new RpcCodec()).addLast(new Everything()),
}

const framed = (p: EmptyPipeline): TypedPipeline<Frame, ByteBuf | Uint8Array> => p.addLast(new Idle()).addLast(framer())

class Idle implements ChannelHandler {
  userEventTriggered(ctx: ChannelHandlerContext, event: unknown): void {
    ctx.fireUserEventTriggered(event)
  }
}

class Bytes extends SimpleChannelInboundHandler<ByteBuf, ByteBuf | Uint8Array> {
  channelRead0(ctx: ChannelHandlerContext, bytes: ByteBuf): void {
    ctx.write(bytes.retain())
  }
}

class NumberCodec extends ByteToMessageCodec<number, number> {
  protected override decode(_ctx: ChannelHandlerContext, input: ByteBuf, out: number[]): number | void {
    if (input.readableBytes < 4) return 4 - input.readableBytes
    out.push(input.readInt())
  }

  protected override encode(_ctx: ChannelHandlerContext, value: number, out: ByteBuf): void {
    out.writeInt(value)
  }
}

class NumberHandler<Writes = number> extends SimpleChannelInboundHandler<number, Writes> {
  channelRead0(ctx: ChannelHandlerContext, value: number): void {
    ctx.write(value + 1)
  }
}

class TextEncoder extends MessageToByteEncoder<string> {
  protected override encode(_ctx: ChannelHandlerContext, text: string, out: ByteBuf): void {
    out.writeCharSequence(text, 'utf8')
  }
}

class PingToRequest extends MessageToMessageDecoder<Ping, Request> {
  protected override decode(_ctx: ChannelHandlerContext, _ping: Ping, out: Request[]): void {
    out.push(new Request('ping'))
  }
}

class Everything implements TypedHandler<unknown, never, Pass, Frame | Response> {
  declare readonly handlerTypes: HandlerTypes<unknown, never, Pass, Frame | Response>
  channelRead(_ctx: ChannelHandlerContext, _msg: unknown): void {}
}

/** What the compiler says of a file beside this one, in which `edit` changed something: one string for each error, by line. */
function errorsOf(file: string, edit: (source: string) => string): Map<number, string> {
  const here = import.meta.dirname
  const source = here.replace(`${path.sep}dist${path.sep}`, path.sep)
  const folder = mkdtempSync(path.join(here, 'compile-'))
  try {
    const text = readFileSync(path.join(source, file), 'utf8').replaceAll(`'./`, `'../`)
    writeFileSync(path.join(folder, file), edit(text))
    const options = { composite: false, incremental: false, noEmit: true, isolatedDeclarations: false, noErrorTruncation: true }
    const config = { extends: path.join(source, '../../../../tsconfig.json'), compilerOptions: options, files: [file], references: [] }
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiler = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
    const run = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
    assert.equal(run.error, undefined)
    const errors = new Map<number, string>()
    for (const error of run.stdout.split(/\n(?=\S)/).filter((each) => each.trim() !== '')) {
      const match = /^\S+?\((\d+),\d+\): error ([\s\S]*)/.exec(error)
      assert.ok(match !== null, `the compiler said: ${error}`)
      errors.set(Number(match[1]), match[2] as string)
    }
    return errors
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('what the compiler says', () => {
  test('each wrong pipeline is an error whose text names the mismatch', () => {
    const expected = new Map<number, string>()
    const errors = errorsOf('typed-wrong.ts', (source) => {
      const lines = source.split('\n')
      for (const [index, line] of lines.entries()) {
        const directive = /\/\/ @ts-expect-error (.*)/.exec(line)
        // the directive is of the line below, and lines are counted from 1
        if (directive !== null) expected.set(index + 2, directive[1] as string)
      }
      return source.replaceAll('@ts-expect-error', 'must fail:')
    })
    assert.ok(expected.size >= wrong.length)
    assert.deepEqual([...errors.keys()].sort(), [...expected.keys()].sort(), [...errors.values()].join('\n'))
    for (const [line, text] of expected) {
      let rest = errors.get(line) as string
      for (const part of text.split(' ... ')) {
        assert.ok(rest.includes(part), `line ${line}: ${part}\nis not in: ${errors.get(line) ?? ''}`)
        rest = rest.slice(rest.indexOf(part) + part.length)
      }
    }
  })

  test('nothing else is an error in those files', () => {
    assert.deepEqual([...errorsOf('typed-wrong.ts', (source) => source)], [])
  })
})

test('at run time the view is the pipeline: nothing is checked, a wrong pipeline is built like any other', () => {
  for (const build of [...wrong, unencoded, ...Object.values(right)]) {
    const channel = new EmbeddedChannel()
    assert.equal(build(channel.pipeline as unknown as EmptyPipeline), channel.pipeline)
    channel.finish()
  }
  const untyped = [new WrongElement(), new WrongList(), new WrongArgument(), new WithoutTypes()]
  for (const handler of untyped) assert.equal('handlerTypes' in handler, false)
})

test('a pipeline that was built with types runs, on the server and the client', leakScope(async (scope) => {
  const group = scope.group()
  const pings = new PingHandler()
  const server = await new ServerBootstrap()
    .group(group)
    .childPipeline((p, ch) => {
      assert.equal(p, ch.pipeline)
      return p.addLast(framer()).addLast('codec', new RpcCodec()).addLast(pings).addLast(new RequestHandler())
    })
    .bind(new LocalSocketAddress('typed-pipeline'))
  scope.onEnd(() => server.close())
  let answered: (text: string) => void
  const answer = new Promise<string>((resolve) => (answered = resolve))
  class Answers extends SimpleChannelInboundHandler<ByteBuf> {
    channelRead0(_ctx: ChannelHandlerContext, msg: ByteBuf): void {
      answered(msg.toString('utf8'))
    }
  }
  const client = await new Bootstrap()
    .group(group)
    .pipeline((p) => p.addLast(new LengthFieldPrepender({ lengthFieldLength: 2 })).addLast('answers', new Answers()))
    .connect(server.localAddress as LocalSocketAddress)
  scope.onEnd(() => client.close())
  assert.deepEqual(client.pipeline.names.slice(-1), ['answers'])
  client.write(Unpooled.wrappedBuffer(Buffer.from([0])))
  await client.writeAndFlush(Unpooled.wrappedBuffer(Buffer.from('\u0001hello')))
  assert.equal(await answer, 'HELLO')
  assert.equal(pings.pings, 1)
}))

test('an async initializer, which the types refuse, is waited for, and closes the channel when it fails', leakScope(async (scope) => {
  const group = scope.group()
  const server = await new ServerBootstrap()
    .group(group)
    .childPipeline((p) => p.addLast(new Bytes()))
    .bind(new LocalSocketAddress('typed-pipeline-async'))
  scope.onEnd(() => server.close())
  const failing = async (): Promise<never> => {
    throw new Error('cannot build')
  }
  const connecting = new Bootstrap()
    .group(group)
    .pipeline(failing as unknown as () => CompletePipeline)
    .connect(server.localAddress as LocalSocketAddress)
  await assert.rejects(Promise.resolve(connecting), (error: Error) => /cannot build/.test(String(error.message) + String(error.cause)))
}))

test('childPipeline and pipeline refuse what is no function, and a class', () => {
  const none = undefined as unknown as () => CompletePipeline
  assert.throws(() => new ServerBootstrap().childPipeline(none), IllegalArgumentError)
  assert.throws(() => new Bootstrap().pipeline(RpcCodec as unknown as () => CompletePipeline), IllegalArgumentError)
})
