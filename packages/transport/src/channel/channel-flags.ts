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
    this.setFlag(REGISTERED, value)
  }

  protected get closeInitiated(): boolean {
    return (this.flags & CLOSE_INITIATED) !== 0
  }

  protected set closeInitiated(value: boolean) {
    this.setFlag(CLOSE_INITIATED, value)
  }

  /** No more writes: from the moment close, or shutdownOutput, begins. */
  protected get outputOver(): boolean {
    return (this.flags & OUTPUT_OVER) !== 0
  }

  protected set outputOver(value: boolean) {
    this.setFlag(OUTPUT_OVER, value)
  }

  /** A flush is under way: closing inside it leaves channelInactive to a task behind it. */
  protected get inFlush(): boolean {
    return (this.flags & IN_FLUSH) !== 0
  }

  protected set inFlush(value: boolean) {
    this.setFlag(IN_FLUSH, value)
  }

  protected get everRegistered(): boolean {
    return (this.flags & EVER_REGISTERED) !== 0
  }

  protected set everRegistered(value: boolean) {
    this.setFlag(EVER_REGISTERED, value)
  }

  /** The handlers have been told of the present registration. */
  protected get announced(): boolean {
    return (this.flags & ANNOUNCED) !== 0
  }

  protected set announced(value: boolean) {
    this.setFlag(ANNOUNCED, value)
  }

  /** A read was asked for before that. */
  protected get readHeld(): boolean {
    return (this.flags & READ_HELD) !== 0
  }

  protected set readHeld(value: boolean) {
    this.setFlag(READ_HELD, value)
  }

  /** The socket is being read. */
  protected get reading(): boolean {
    return (this.flags & READING) !== 0
  }

  protected set reading(value: boolean) {
    this.setFlag(READING, value)
  }

  /** Somebody asked for a read and has not got it yet. */
  get readPending(): boolean {
    return (this.flags & READ_PENDING) !== 0
  }

  set readPending(value: boolean) {
    this.setFlag(READ_PENDING, value)
  }

  protected get inputEnded(): boolean {
    return (this.flags & INPUT_ENDED) !== 0
  }

  protected set inputEnded(value: boolean) {
    this.setFlag(INPUT_ENDED, value)
  }

  protected get inputEndTold(): boolean {
    return (this.flags & INPUT_END_TOLD) !== 0
  }

  protected set inputEndTold(value: boolean) {
    this.setFlag(INPUT_END_TOLD, value)
  }

  /** shutdownInput() was called: what still comes is dropped. */
  protected get inputDiscarded(): boolean {
    return (this.flags & INPUT_DISCARDED) !== 0
  }

  protected set inputDiscarded(value: boolean) {
    this.setFlag(INPUT_DISCARDED, value)
  }

  /** FIN waits behind queued writes. */
  protected get outputEnding(): boolean {
    return (this.flags & OUTPUT_ENDING) !== 0
  }

  protected set outputEnding(value: boolean) {
    this.setFlag(OUTPUT_ENDING, value)
  }

  /** FIN is sent. */
  protected get outputEnded(): boolean {
    return (this.flags & OUTPUT_ENDED) !== 0
  }

  protected set outputEnded(value: boolean) {
    this.setFlag(OUTPUT_ENDED, value)
  }

  protected get wasActive(): boolean {
    return (this.flags & WAS_ACTIVE) !== 0
  }

  protected set wasActive(value: boolean) {
    this.setFlag(WAS_ACTIVE, value)
  }

  /** What was held while nobody read is being delivered. */
  protected get delivering(): boolean {
    return (this.flags & DELIVERING) !== 0
  }

  protected set delivering(value: boolean) {
    this.setFlag(DELIVERING, value)
  }

  private setFlag(bit: number, value: boolean): void {
    this.flags = value ? this.flags | bit : this.flags & ~bit
  }
}
