import assert from 'node:assert/strict'
import { LengthFieldBasedFrameDecoder, type LengthFieldBasedFrameDecoderOptions } from '@knotty/codec'
import { EmbeddedChannel } from '@knotty/transport'
import { type ChunkCase, constructorErrorOf, FrameRecorder, playChunks } from './decoder-support.js'
import { javaNameOf } from './java-names.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

interface LengthFieldCase extends VectorCase, ChunkCase {
  readonly config: LengthFieldBasedFrameDecoderOptions
}

function run(vector: LengthFieldCase): void {
  let decoder: LengthFieldBasedFrameDecoder
  try {
    decoder = new LengthFieldBasedFrameDecoder(vector.config)
  } catch (error) {
    return assert.deepEqual({ ex: javaNameOf(error) }, constructorErrorOf(vector))
  }
  assert.equal(constructorErrorOf(vector), undefined)
  const recorder = new FrameRecorder()
  playChunks(new EmbeddedChannel(decoder, recorder), recorder, vector)
}

testVectorFile<LengthFieldCase>({
  file: 'length-field-decoder',
  listed: {},
  expectationKeys: ['expect', 'finish', 'constructor'],
  run,
})
