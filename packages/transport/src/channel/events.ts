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

/**
 * User event: the server that accepted this connection is being drained. Finish what is under way and close; what is open at the
 * deadline is closed then.
 */
export class DrainEvent {
  static readonly INSTANCE: DrainEvent = new DrainEvent()
}
