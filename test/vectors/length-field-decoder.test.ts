import { LengthFieldBasedFrameDecoder, type LengthFieldBasedFrameDecoderOptions } from '@knotty/codec'
import { testFrameDecoderFile } from './frame-decoder-file.js'

testFrameDecoderFile<LengthFieldBasedFrameDecoderOptions>('length-field-decoder', (config) => new LengthFieldBasedFrameDecoder(config))
