/**
 * A {@link ChannelHandler} whose property of this name is true turns bytes into messages: what handlers behind it get to see is whole messages,
 * not the bytes of one that is still coming. Decoders set it on their prototype; an IdleStateHandler behind one warns.
 */
export const bytesToMessages: unique symbol = Symbol.for('knotty.bytesToMessages') as never
