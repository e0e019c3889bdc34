import type { TestContext } from 'node:test'

/** A timer of {@link FakeTimers}. */
export interface FakeTimer {
  readonly task: () => void
  readonly periodMs: number | undefined
  dueAt: number
  isUnref: boolean
  unref(): FakeTimer
}

/**
 * setTimeout, setInterval and what clears them, of this thread, in the hands of a test until its end. As on Node, an interval that is late
 * runs once, and counts from then. (node:test has such a thing; Bun's has not.)
 */
export class FakeTimers {
  /** Made so far. */
  readonly made: FakeTimer[] = []
  onNew: () => void = () => undefined
  private readonly waiting = new Set<FakeTimer>()
  private now = 0

  constructor(t: TestContext) {
    const names = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] as const
    const globals = globalThis as unknown as Record<string, unknown>
    const real = names.map((name) => [name, globals[name]] as const)
    t.after(() => {
      for (const [name, value] of real) globals[name] = value
    })
    globals['setTimeout'] = (task: (arg: unknown) => void, ms: number, arg: unknown) => this.add(() => task(arg), ms, undefined)
    globals['setInterval'] = (task: () => void, ms: number) => this.add(task, ms, ms)
    globals['clearTimeout'] = globals['clearInterval'] = (timer: FakeTimer) => void this.waiting.delete(timer)
  }

  /** Lets so much time pass, then runs what is due, in order: one timers phase. */
  tick(ms: number): void {
    this.now += ms
    const due = [...this.waiting].filter((timer) => timer.dueAt <= this.now).sort((a, b) => a.dueAt - b.dueAt)
    for (const timer of due) {
      if (!this.waiting.has(timer)) continue
      if (timer.periodMs === undefined) this.waiting.delete(timer)
      else timer.dueAt = this.now + timer.periodMs
      timer.task()
    }
  }

  private add(task: () => void, ms: number, periodMs: number | undefined): FakeTimer {
    const timer: FakeTimer = {
      task,
      periodMs,
      dueAt: this.now + ms,
      isUnref: false,
      unref: () => {
        timer.isUnref = true
        return timer
      },
    }
    this.made.push(timer)
    this.waiting.add(timer)
    this.onNew()
    return timer
  }
}
