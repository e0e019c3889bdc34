import type { KnottyErrorOptions } from '@knotty/common'
import { DecoderError } from '@knotty/codec'

/** The bytes do not begin with the magic number: the peer speaks something else. `code` is `ERR_KNOTTY_PROTOBUF_MAGIC`. */
export class WrongMagicError extends DecoderError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_PROTOBUF_MAGIC')
  }
}

/** The header names another version of the protocol. `code` is `ERR_KNOTTY_PROTOBUF_VERSION`. */
export class WrongVersionError extends DecoderError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_PROTOBUF_VERSION')
  }
}

/** A body is no message of the type; `cause` is what the type's decode threw. `code` is `ERR_KNOTTY_PROTOBUF_MALFORMED`. */
export class MalformedProtobufError extends DecoderError {
  constructor(message: string, options?: KnottyErrorOptions) {
    super(message, options, 'ERR_KNOTTY_PROTOBUF_MALFORMED')
  }
}
