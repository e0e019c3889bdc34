import { sharedSettings } from './shared-settings.js'

/** What a decoder was told, checked; see ByteToMessageDecoderOptions. */
export interface DecodeSettings {
  readonly singleDecode: boolean
  readonly resynchronise: boolean
  readonly maxCumulationBytes: number
}

/** One object for all decoders that were told the same. */
export const decodeSettings: (settings: DecodeSettings) => DecodeSettings = sharedSettings<DecodeSettings>()
