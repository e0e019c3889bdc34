/** What a server echoes: frames of a 4-byte big-endian length and the message, each read and answered by itself; or bytes as they come. */
export type EchoProtocol = 'framed' | 'raw'
