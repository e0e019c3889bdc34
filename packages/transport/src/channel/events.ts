/** User event: the peer has sent FIN and ALLOW_HALF_CLOSURE keeps the channel open for writing. Once a channel. */
export class ChannelInputShutdownEvent {
  static readonly INSTANCE: ChannelInputShutdownEvent = new ChannelInputShutdownEvent()
}

/** User event: a read was asked for after {@link ChannelInputShutdownEvent}; nothing more will come. Once a channel. */
export class ChannelInputShutdownReadComplete {
  static readonly INSTANCE: ChannelInputShutdownReadComplete = new ChannelInputShutdownReadComplete()
}

/** User event: `shutdownOutput()` is done; the channel can only read. */
export class ChannelOutputShutdownEvent {
  static readonly INSTANCE: ChannelOutputShutdownEvent = new ChannelOutputShutdownEvent()
}
