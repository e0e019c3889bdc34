import { Piscina } from 'piscina'
import type { Login } from './protocol.js'
import type { Moderated } from './workers.js'

/** So much waits for the workers that one more was not taken. */
export class OverloadedError extends Error {
  readonly code = 'ERR_CHAT_OVERLOADED'
}

/** Business work, off the event loop: threads of a piscina pool, and a bound on what waits for them. */
export class WorkPool {
  private readonly pool: Piscina
  private readonly maxWaiting: number

  constructor(threads: number, maxWaiting: number) {
    const filename = new URL('workers.js', import.meta.url).href
    this.pool = new Piscina({ filename, minThreads: threads, maxThreads: threads })
    this.maxWaiting = maxWaiting
  }

  /** Done when a thread works: starting one takes longer than a login may. */
  async started(): Promise<void> {
    await this.moderate('')
  }

  /** Tasks that no thread has begun. */
  get waiting(): number {
    return this.pool.queueSize
  }

  checkPassword(login: Login): Promise<boolean> {
    return this.run('checkPassword', { user: login.user, password: login.password }) as Promise<boolean>
  }

  moderate(text: string): Promise<Moderated> {
    return this.run('moderate', text) as Promise<Moderated>
  }

  close(): Promise<void> {
    return this.pool.close()
  }

  private async run(name: string, task: unknown): Promise<unknown> {
    if (this.waiting >= this.maxWaiting) throw new OverloadedError(`maxWaiting: ${this.maxWaiting} tasks wait for the workers`)
    return await this.pool.run(task, { name })
  }
}
