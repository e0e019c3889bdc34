import assert from 'node:assert/strict'
import { type ChannelHandler, EmbeddedChannel } from '@knotty/transport'
import { type ChunkCase, constructorErrorOf, FrameRecorder, playChunks } from './decoder-support.js'
import { javaNameOf } from './java-names.js'
import { testVectorFile, type VectorCase } from './vector-file.js'

interface FrameCase<O> extends VectorCase, ChunkCase {
  readonly config: O
}

/** Registers the tests of a file in the format of the frame decoders: `{ config, chunks, expect, finish }` or `constructor`. */
export function testFrameDecoderFile<O>(
  file: string,
  create: (config: O) => ChannelHandler,
  listed: Readonly<Record<string, string>> = {},
): void {
  const expectationKeys = ['expect', 'finish', 'constructor']
  testVectorFile<FrameCase<O>>({ file, listed, expectationKeys, run: (vector) => runFrameCase(vector, create) })
}

/** Plays one case of such a file. */
export function runFrameCase<O>(vector: FrameCase<O>, create: (config: O) => ChannelHandler): void {
  let decoder: ChannelHandler
  try {
    decoder = create(vector.config)
  } catch (error) {
    return assert.deepEqual({ ex: javaNameOf(error) }, constructorErrorOf(vector))
  }
  assert.equal(constructorErrorOf(vector), undefined)
  const recorder = new FrameRecorder()
  playChunks(new EmbeddedChannel(decoder, recorder), recorder, vector)
}
