import { FixedLengthFrameDecoder, type FixedLengthFrameDecoderOptions } from '@knotty/codec'
import { testFrameDecoderFile } from './frame-decoder-file.js'

testFrameDecoderFile<FixedLengthFrameDecoderOptions>('fixed-length-decoder', (config) => new FixedLengthFrameDecoder(config))
