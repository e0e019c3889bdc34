export {
  ByteToMessageDecoderVerifier,
  type DecoderCase,
  type DecoderVerifierOptions,
  type ExpectedError,
  type HandlerFactory,
} from './byte-to-message-decoder-verifier.js'
export { chunkedBytes, type ChunkedBytes, chunkingOf } from './chunkings.js'
export { codecRoundTrip, type RoundTripCodec } from './codec-round-trip.js'
export { CodecVerificationError, type VerificationReason } from './errors.js'
export { type TcpRow, tcpRows } from './proc-sockets.js'
