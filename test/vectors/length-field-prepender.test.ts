import assert from 'node:assert/strict'
import { type ByteBuf, ByteBufUtil } from '@knotty/buffer'
import { LengthFieldPrepender, type LengthFieldPrependerOptions } from '@knotty/codec'
import { EmbeddedChannel } from '@knotty/transport'
import { chunkOf, constructorErrorOf } from './decoder-support.js'
import { javaNameOf } from './java-names.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

interface PrependerCase extends VectorCase {
  readonly config: LengthFieldPrependerOptions
  readonly messages: readonly string[]
  readonly expect?: readonly (readonly unknown[])[]
}

function run(vector: PrependerCase): void {
  let prepender: LengthFieldPrepender
  try {
    prepender = new LengthFieldPrepender(vector.config)
  } catch (error) {
    return assert.deepEqual({ ex: javaNameOf(error) }, constructorErrorOf(vector))
  }
  assert.equal(constructorErrorOf(vector), undefined)
  const channel = new EmbeddedChannel(prepender)
  vector.messages.forEach((hex, index) => {
    const message = chunkOf(hex)
    const { cause } = channel.writeAndFlush(message)
    const written = channel.outboundMessages.splice(0) as ByteBuf[]
    const shown = cause === undefined ? written.map((buffer) => ByteBufUtil.hexDump(buffer)) : [failure(cause)]
    assert.deepEqual(shown, vector.expect?.[index], hex)
    for (const buffer of written) buffer.release()
    assert.equal(message.refCnt, 0)
  })
  assert.equal(vector.expect?.length, vector.messages.length)
  assert.equal(channel.finish(), false)
}

function failure(error: Error): object {
  const { cause } = error
  return { ex: javaNameOf(error), ...(cause === undefined ? {} : { cause: javaNameOf(cause) }) }
}

testVectorFile<PrependerCase>({
  file: 'length-field-prepender',
  listed: {},
  expectationKeys: ['expect', 'constructor'],
  run,
})
