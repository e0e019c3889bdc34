import { LineBasedFrameDecoder, type LineBasedFrameDecoderOptions } from '@knotty/codec'
import { testFrameDecoderFile } from './frame-decoder-file.js'

testFrameDecoderFile<LineBasedFrameDecoderOptions>('line-decoder', (config) => new LineBasedFrameDecoder(config))
