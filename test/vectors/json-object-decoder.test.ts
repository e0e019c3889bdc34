import { JsonObjectDecoder, type JsonObjectDecoderOptions } from '@knotty/codec'
import { testFrameDecoderFile } from './frame-decoder-file.js'

const COUNTS_READ_BYTES = 'Netty counts bytes of the cumulation that were read before, so a good object is too long'
const AFTER_TOO_LONG =
  'behind what was too long Netty skips bytes by an outdated position or takes the rest for a new value; here the rest is dropped'

testFrameDecoderFile<JsonObjectDecoderOptions>('json-object-decoder', (config) => new JsonObjectDecoder(config), {
  'random-27': COUNTS_READ_BYTES,
  'random-41': AFTER_TOO_LONG,
  'random-52': AFTER_TOO_LONG,
  'random-82': AFTER_TOO_LONG,
  'random-132': AFTER_TOO_LONG,
  'random-150': AFTER_TOO_LONG,
})
