import type { Channel } from './channel.js'

/** Chooses the channels of a {@link ChannelGroup} that an operation is for. */
export type ChannelMatcher = (channel: Channel) => boolean

/** The usual matchers; any function of a channel is one: `(channel) => channel.isWritable`. */
export const ChannelMatchers: {
  readonly all: ChannelMatcher
  /** This channel only. */
  is(channel: Channel): ChannelMatcher
  /** All but this channel: a chat room's, but the sender. */
  isNot(channel: Channel): ChannelMatcher
  isInstanceOf(channelClass: abstract new (...args: never[]) => Channel): ChannelMatcher
  readonly isServerChannel: ChannelMatcher
  readonly isNonServerChannel: ChannelMatcher
  /** What every one of them chooses. */
  compose(...matchers: readonly ChannelMatcher[]): ChannelMatcher
  invert(matcher: ChannelMatcher): ChannelMatcher
} = {
  all: () => true,
  is: (channel) => (candidate) => candidate === channel,
  isNot: (channel) => (candidate) => candidate !== channel,
  isInstanceOf: (channelClass) => (candidate) => candidate instanceof channelClass,
  isServerChannel: (channel) => isServer(channel),
  isNonServerChannel: (channel) => !isServer(channel),
  compose: (...matchers) => (channel) => matchers.every((matcher) => matcher(channel)),
  invert: (matcher) => (channel) => !matcher(channel),
}

/** The channel listens. */
export function isServer(channel: Channel): boolean {
  return (channel as { readonly isServer?: boolean }).isServer === true
}
