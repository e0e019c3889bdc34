import { lookup } from 'node:dns'
import { IllegalArgumentError, runInRootContext, type ScheduledTask, toError } from '@knotty/common'
import { ConnectError, ConnectTimeoutError } from '../channel/errors.js'
import type { EventLoop } from '../eventloop/event-loop.js'
import { type SocketAddress, TcpSocketAddress } from './address.js'

/** Turns a host name into IP addresses, in the order in which they are tried. */
export type HostResolver = (host: string) => Promise<readonly string[]>

/** The system's lookup (hosts file and DNS), all addresses in the order it gives them. */
export const resolveByDns: HostResolver = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error === null) resolve(addresses.map((each) => each.address))
      else reject(error)
    })
  })

/** What a {@link Connector} works with. */
export interface ConnectorOptions {
  readonly loop: EventLoop
  /** Looked up when it has a host name; any other address is tried as it is. */
  readonly remote: SocketAddress
  readonly resolver: HostResolver
  /** For lookup and all tries together, in ms; 0: no limit. */
  readonly timeoutMs: number
  /** Starts one try and returns what ends it; `done` is called once, unless it was ended. */
  readonly attempt: (address: SocketAddress, done: (error: Error | undefined) => void) => () => void
  readonly succeeded: (address: SocketAddress) => void
  /** The only error if there was one try, else a ConnectError with all of them; or the timeout. */
  readonly failed: (error: Error) => void
}

/** Finds the addresses of a host and tries one after another until one connects, all within one deadline. */
export class Connector {
  private readonly options: ConnectorOptions
  private readonly errors: Error[] = []
  private readonly timer: ScheduledTask | undefined
  private abandonAttempt: (() => void) | undefined = undefined
  private over = false

  constructor(options: ConnectorOptions) {
    this.options = options
    const { timeoutMs, remote, loop } = options
    if (timeoutMs > 0) this.timer = loop.schedule(() => this.timedOut(), timeoutMs)
    // The handle, and with it all that it ever reads, belongs to the async context it is made in: not to the caller's.
    runInRootContext(() => {
      if (isUnresolved(remote)) void this.resolve(remote)
      else this.tryNext([remote])
    })
  }

  /** Ends it without a result. */
  cancel(): void {
    if (this.over) return
    this.over = true
    this.timer?.cancel()
    this.abandonAttempt?.()
  }

  private async resolve(remote: TcpSocketAddress): Promise<void> {
    const { resolver, loop } = this.options
    try {
      const addresses = (await resolver(remote.address)).map((address) => new TcpSocketAddress(address, remote.port))
      if (addresses.length === 0) throw new ConnectError(`no address was found for ${remote.address}`, [])
      loop.execute(() => this.tryNext(addresses))
    } catch (error) {
      // Told later: connect() may not have returned yet.
      if (!this.over) loop.execute(() => this.failUnlessOver(toError(error)))
    }
  }

  private tryNext(addresses: readonly SocketAddress[]): void {
    if (this.over) return
    const [address, ...others] = addresses
    if (address === undefined) return this.fail(this.summary())
    try {
      if (isUnresolved(address)) throw new IllegalArgumentError(`resolver: '${address.address}' (expected: IP addresses)`)
      this.abandonAttempt = this.options.attempt(address, (error) => {
        if (this.over) return
        if (error === undefined) return this.succeed(address)
        this.errors.push(error)
        this.tryNext(others)
      })
    } catch (error) {
      // Told later: connect() has not returned yet.
      this.errors.push(toError(error))
      this.options.loop.execute(() => this.tryNext(others))
    }
  }

  private succeed(address: SocketAddress): void {
    this.over = true
    this.timer?.cancel()
    this.options.succeeded(address)
  }

  private timedOut(): void {
    if (this.over) return
    const { remote, timeoutMs } = this.options
    const cause = this.errors.length === 0 ? undefined : { cause: this.summary() }
    this.abandonAttempt?.()
    this.fail(new ConnectTimeoutError(`no connection to ${remote.toString()} within ${timeoutMs} ms (name lookup included)`, cause))
  }

  private failUnlessOver(error: Error): void {
    if (!this.over) this.fail(error)
  }

  private fail(error: Error): void {
    this.over = true
    this.timer?.cancel()
    this.options.failed(error)
  }

  private summary(): Error {
    const [only] = this.errors
    if (this.errors.length === 1 && only !== undefined) return only
    const tried = this.errors.map((error) => error.message).join('; ')
    return new ConnectError(`no address of ${this.options.remote.toString()} could be connected: ${tried}`, this.errors, { cause: only })
  }
}

function isUnresolved(address: SocketAddress): address is TcpSocketAddress {
  return address instanceof TcpSocketAddress && address.isUnresolved
}
