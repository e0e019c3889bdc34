/** What can be in a {@link ChannelList}: one number for each kind of list, which only that list writes. */
export interface ListedChannel {
  /** Its place in the list of its event loop; -1: in none. */
  loopPlace: number
  /** Its place in the list of the server that accepted it; -1: in none. */
  serverPlace: number
}

/**
 * Channels in no order, each at most once; one list of a kind holds a channel at a time.
 *
 * Not a Set: when V8 rebuilds the table of one, the replaced table keeps its members and points to the new one. As soon as one of them is
 * in the old generation, where only a major collection finds it dead, the chain that begins there keeps every channel there has been: each
 * scavenge copied all channels that were closed since the last one (5 to 15 ms; now below 1 ms, npm run bench -- accept-churn).
 */
export class ChannelList<C extends ListedChannel> implements Iterable<C> {
  private readonly channels: C[] = []
  private readonly place: keyof ListedChannel

  constructor(place: keyof ListedChannel) {
    this.place = place
  }

  get size(): number {
    return this.channels.length
  }

  /** Nothing happens when it is in already. */
  add(channel: C): void {
    if (this.has(channel)) return
    channel[this.place] = this.channels.length
    this.channels.push(channel)
  }

  /** Nothing happens when it is not in. */
  delete(channel: C): void {
    if (!this.has(channel)) return
    const last = this.channels.pop() as C
    if (last !== channel) {
      last[this.place] = channel[this.place]
      this.channels[channel[this.place]] = last
    }
    channel[this.place] = -1
  }

  /** Those that are in now; one that leaves before its turn is left out. */
  *[Symbol.iterator](): Generator<C> {
    for (const channel of this.channels.slice()) if (this.has(channel)) yield channel
  }

  private has(channel: C): boolean {
    const place = channel[this.place]
    return place >= 0 && this.channels[place] === channel
  }
}
