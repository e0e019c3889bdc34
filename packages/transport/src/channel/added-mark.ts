/**
 * A {@link ChannelHandler} that has a property of this name lets the pipeline note there that it was added. For handlers that are made
 * for each channel: of others a set has to know, which takes 35 to 50 bytes for each.
 */
export const addedMark: unique symbol = Symbol.for('knotty.addedMark') as never
