export {
  ByteToMessageDecoderVerifier,
  type DecoderCase,
  type DecoderVerifierOptions,
  type ExpectedError,
  type HandlerFactory,
} from './byte-to-message-decoder-verifier.js'
export { type ChunkedBytes, chunkedBytes, chunkingOf } from './chunkings.js'
export { codecRoundTrip, type RoundTripCodec } from './codec-round-trip.js'
export { CodecVerificationError, type VerificationReason } from './errors.js'
export { EventCountingHandler } from './event-counting-handler.js'
export { eventually } from './eventually.js'
export { type LeakCheck, LeakError, type LeakScope, leakScope, type LeakScopeOptions } from './leak-scope.js'
export { ManualTicker } from './manual-ticker.js'
export type { HandlerEvent } from './observing-handler.js'
export { openSocketInodes, type TcpRow, tcpRows, type UnixRow, unixRows } from './proc-sockets.js'
export { RecordingHandler, type RecordingHandlerOptions } from './recording-handler.js'
export { seededBytes } from './seeded-bytes.js'
