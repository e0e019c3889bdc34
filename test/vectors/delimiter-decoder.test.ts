import { Buffer } from 'node:buffer'
import { DelimiterBasedFrameDecoder, type DelimiterBasedFrameDecoderOptions } from '@knotty/codec'
import { testFrameDecoderFile } from './frame-decoder-file.js'

interface Config extends Omit<DelimiterBasedFrameDecoderOptions, 'delimiters'> {
  readonly delimiters: readonly string[]
}

const SPLIT_DELIMITER = 'a delimiter cut by a chunk ends the discarding; Netty misses it, and loses the good frame behind it'

testFrameDecoderFile<Config>(
  'delimiter-decoder',
  (config) => {
    const delimiters = config.delimiters.map((hex) => Buffer.from(hex, 'hex'))
    return new DelimiterBasedFrameDecoder({ ...config, delimiters })
  },
  {
    'random-61': SPLIT_DELIMITER,
    'random-93': SPLIT_DELIMITER,
    'random-121': SPLIT_DELIMITER,
    'random-154': SPLIT_DELIMITER,
    'random-188': SPLIT_DELIMITER,
  },
)
