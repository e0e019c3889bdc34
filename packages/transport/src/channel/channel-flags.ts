/* Bits of `flags`. */
const REGISTERED = 1
const CLOSE_INITIATED = 1 << 1
const OUTPUT_OVER = 1 << 2
const IN_FLUSH = 1 << 3
const EVER_REGISTERED = 1 << 4
const ANNOUNCED = 1 << 5
const READ_HELD = 1 << 6
const READING = 1 << 7
const READ_PENDING = 1 << 8
const INPUT_ENDED = 1 << 9
const INPUT_END_TOLD = 1 << 10
const INPUT_DISCARDED = 1 << 11
const OUTPUT_ENDING = 1 << 12
const OUTPUT_ENDED = 1 << 13
const WAS_ACTIVE = 1 << 14
const DELIVERING = 1 << 15

/**
 * The booleans of a channel, in one number: a server has a channel for each of many thousand idle connections, and sixteen fields would be
 * 128 bytes in each of them. (Accessors written out, one beside the other, because V8 puts these into the code that uses them.)
 */
export abstract class ChannelFlags {
  private flags = 0

  protected get registered(): boolean {
    return (this.flags & REGISTERED) !== 0
  }

  protected set registered(value: boolean) {
    this.flags = value ? this.flags | REGISTERED : this.flags & ~REGISTERED
  }

  protected get closeInitiated(): boolean {
    return (this.flags & CLOSE_INITIATED) !== 0
  }

  protected set closeInitiated(value: boolean) {
    this.flags = value ? this.flags | CLOSE_INITIATED : this.flags & ~CLOSE_INITIATED
  }

  /** No more writes: from the moment close, or shutdownOutput, begins. */
  protected get outputOver(): boolean {
    return (this.flags & OUTPUT_OVER) !== 0
  }

  protected set outputOver(value: boolean) {
    this.flags = value ? this.flags | OUTPUT_OVER : this.flags & ~OUTPUT_OVER
  }

  /** A flush is under way: closing inside it leaves channelInactive to a task behind it. */
  protected get inFlush(): boolean {
    return (this.flags & IN_FLUSH) !== 0
  }

  protected set inFlush(value: boolean) {
    this.flags = value ? this.flags | IN_FLUSH : this.flags & ~IN_FLUSH
  }

  protected get everRegistered(): boolean {
    return (this.flags & EVER_REGISTERED) !== 0
  }

  protected set everRegistered(value: boolean) {
    this.flags = value ? this.flags | EVER_REGISTERED : this.flags & ~EVER_REGISTERED
  }

  /** The handlers have been told of the present registration. */
  protected get announced(): boolean {
    return (this.flags & ANNOUNCED) !== 0
  }

  protected set announced(value: boolean) {
    this.flags = value ? this.flags | ANNOUNCED : this.flags & ~ANNOUNCED
  }

  /** A read was asked for before that. */
  protected get readHeld(): boolean {
    return (this.flags & READ_HELD) !== 0
  }

  protected set readHeld(value: boolean) {
    this.flags = value ? this.flags | READ_HELD : this.flags & ~READ_HELD
  }

  /** The socket is being read. */
  protected get reading(): boolean {
    return (this.flags & READING) !== 0
  }

  protected set reading(value: boolean) {
    this.flags = value ? this.flags | READING : this.flags & ~READING
  }

  /** Somebody asked for a read and has not got it yet. */
  get readPending(): boolean {
    return (this.flags & READ_PENDING) !== 0
  }

  set readPending(value: boolean) {
    this.flags = value ? this.flags | READ_PENDING : this.flags & ~READ_PENDING
  }

  protected get inputEnded(): boolean {
    return (this.flags & INPUT_ENDED) !== 0
  }

  protected set inputEnded(value: boolean) {
    this.flags = value ? this.flags | INPUT_ENDED : this.flags & ~INPUT_ENDED
  }

  protected get inputEndTold(): boolean {
    return (this.flags & INPUT_END_TOLD) !== 0
  }

  protected set inputEndTold(value: boolean) {
    this.flags = value ? this.flags | INPUT_END_TOLD : this.flags & ~INPUT_END_TOLD
  }

  /** shutdownInput() was called: what still comes is dropped. */
  protected get inputDiscarded(): boolean {
    return (this.flags & INPUT_DISCARDED) !== 0
  }

  protected set inputDiscarded(value: boolean) {
    this.flags = value ? this.flags | INPUT_DISCARDED : this.flags & ~INPUT_DISCARDED
  }

  /** FIN waits behind queued writes. */
  protected get outputEnding(): boolean {
    return (this.flags & OUTPUT_ENDING) !== 0
  }

  protected set outputEnding(value: boolean) {
    this.flags = value ? this.flags | OUTPUT_ENDING : this.flags & ~OUTPUT_ENDING
  }

  /** FIN is sent. */
  protected get outputEnded(): boolean {
    return (this.flags & OUTPUT_ENDED) !== 0
  }

  protected set outputEnded(value: boolean) {
    this.flags = value ? this.flags | OUTPUT_ENDED : this.flags & ~OUTPUT_ENDED
  }

  protected get wasActive(): boolean {
    return (this.flags & WAS_ACTIVE) !== 0
  }

  protected set wasActive(value: boolean) {
    this.flags = value ? this.flags | WAS_ACTIVE : this.flags & ~WAS_ACTIVE
  }

  /** What was held while nobody read is being delivered. */
  protected get delivering(): boolean {
    return (this.flags & DELIVERING) !== 0
  }

  protected set delivering(value: boolean) {
    this.flags = value ? this.flags | DELIVERING : this.flags & ~DELIVERING
  }
}
