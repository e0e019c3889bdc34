/** Identifies a channel within this process: the loop that owns it and a running number, shown as `loop-number`. */
export class ChannelId {
  /** Number of the event loop (of the thread, when there are several); 0 when the id was first asked for before registration. */
  readonly loop: number
  readonly sequence: number

  constructor(loop: number, sequence: number) {
    this.loop = loop
    this.sequence = sequence
  }

  toString(): string {
    return `${this.loop}-${this.sequence.toString(16)}`
  }
}

let lastSequence = 0

/** The next running number of this thread. */
export function nextChannelSequence(): number {
  return ++lastSequence
}
