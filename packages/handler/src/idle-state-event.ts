import { inspectInOneLine } from '@knotty/common'

/** Which direction was silent: `ALL_IDLE` is both. */
export type IdleState = 'READER_IDLE' | 'WRITER_IDLE' | 'ALL_IDLE'

/** The user event of an IdleStateHandler. There are six, one object each. */
export class IdleStateEvent {
  static {
    inspectInOneLine(this)
  }

  static readonly FIRST_READER_IDLE_STATE_EVENT: IdleStateEvent = new IdleStateEvent('READER_IDLE', true)
  static readonly READER_IDLE_STATE_EVENT: IdleStateEvent = new IdleStateEvent('READER_IDLE', false)
  static readonly FIRST_WRITER_IDLE_STATE_EVENT: IdleStateEvent = new IdleStateEvent('WRITER_IDLE', true)
  static readonly WRITER_IDLE_STATE_EVENT: IdleStateEvent = new IdleStateEvent('WRITER_IDLE', false)
  static readonly FIRST_ALL_IDLE_STATE_EVENT: IdleStateEvent = new IdleStateEvent('ALL_IDLE', true)
  static readonly ALL_IDLE_STATE_EVENT: IdleStateEvent = new IdleStateEvent('ALL_IDLE', false)

  readonly state: IdleState
  /** The first of this state since bytes came or left; false each time it comes again. */
  readonly isFirst: boolean

  private constructor(state: IdleState, isFirst: boolean) {
    this.state = state
    this.isFirst = isFirst
  }

  static of(state: IdleState, isFirst: boolean): IdleStateEvent {
    switch (state) {
      case 'READER_IDLE':
        return isFirst ? IdleStateEvent.FIRST_READER_IDLE_STATE_EVENT : IdleStateEvent.READER_IDLE_STATE_EVENT
      case 'WRITER_IDLE':
        return isFirst ? IdleStateEvent.FIRST_WRITER_IDLE_STATE_EVENT : IdleStateEvent.WRITER_IDLE_STATE_EVENT
      case 'ALL_IDLE':
        return isFirst ? IdleStateEvent.FIRST_ALL_IDLE_STATE_EVENT : IdleStateEvent.ALL_IDLE_STATE_EVENT
    }
  }

  toString(): string {
    return `IdleStateEvent(${this.state}${this.isFirst ? ', first' : ''})`
  }
}
