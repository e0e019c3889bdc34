// Pipeline dispatch: what one hop through a chain of handlers costs.
//
// A message is passed through 16 forwarding handlers built from K different classes and on to a tail. V8 keeps a property
// access fast for up to four shapes; a real pipeline shows it more. Three ways to make the hop are compared:
//
//   naive   `next.handler.channelRead(next, msg)`: the call site sees K shapes (no mask, no try/catch: flattered)
//   cached  the method is read once, when the handler is added, into a field of its context
//   table   the methods and the mask of a handler class sit in one table shared by all contexts of that class
//
// `cached` and `table` also skip contexts by mask and have a try/catch at each hop, as a real pipeline must.
// Each case runs in its own process, because call sites shared between cases would change the result.
//
// Run:   node benchmarks/prototype/dispatch-table.mjs [--rounds 5]
// Read:  nanoseconds a hop, median (min-max) of the rounds; `x` is the ratio to `naive` of the same K. What counts is
//        that `table` stays flat from K = 1 to 16; `skip` has an outbound-only context before each handler (table form).

import { spawnSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'

const HANDLERS = 16

export const CHANNEL_READ = 1 << 0
export const EXCEPTION_CAUGHT = 1 << 1
export const WRITE = 1 << 2
const MASKS = { channelRead: CHANNEL_READ, exceptionCaught: EXCEPTION_CAUGHT, write: WRITE }

/** The methods of one handler class and the mask of those it has: one shape for every class. */
export class DispatchTable {
  constructor(prototype) {
    this.mask = 0
    this.channelRead = prototype.channelRead
    this.exceptionCaught = prototype.exceptionCaught
    this.write = prototype.write
    for (const name of Object.keys(MASKS)) if (typeof prototype[name] === 'function') this.mask |= MASKS[name]
  }
}

const tables = new WeakMap()

/** The table of the handler's class, made when the class is first seen. */
export function dispatchTableOf(handler) {
  const prototype = Object.getPrototypeOf(handler)
  let table = tables.get(prototype)
  if (table === undefined) tables.set(prototype, (table = new DispatchTable(prototype)))
  return table
}

export class TableContext {
  constructor(handler) {
    this.next = undefined
    this.handler = handler
    this.table = dispatchTableOf(handler)
    this.mask = this.table.mask
  }

  fireChannelRead(msg) {
    let next = this
    do next = next.next
    while ((next.mask & CHANNEL_READ) === 0)
    next.invokeChannelRead(msg)
  }

  invokeChannelRead(msg) {
    try {
      this.table.channelRead.call(this.handler, this, msg)
    } catch (cause) {
      this.invokeExceptionCaught(cause)
    }
  }

  invokeExceptionCaught(cause) {
    if ((this.mask & EXCEPTION_CAUGHT) === 0) throw cause
    this.table.exceptionCaught.call(this.handler, this, cause)
  }
}

export class CachedContext {
  constructor(handler) {
    this.next = undefined
    this.handler = handler
    this.mask = dispatchTableOf(handler).mask
    this.onChannelRead = handler.channelRead
    this.onExceptionCaught = handler.exceptionCaught
  }

  fireChannelRead(msg) {
    let next = this
    do next = next.next
    while ((next.mask & CHANNEL_READ) === 0)
    next.invokeChannelRead(msg)
  }

  invokeChannelRead(msg) {
    try {
      this.onChannelRead.call(this.handler, this, msg)
    } catch (cause) {
      if (this.onExceptionCaught === undefined) throw cause
      this.onExceptionCaught.call(this.handler, this, cause)
    }
  }
}

export class NaiveContext {
  constructor(handler) {
    this.next = undefined
    this.handler = handler
  }

  fireChannelRead(msg) {
    const next = this.next
    next.handler.channelRead(next, msg)
  }
}

// Sixteen classes written out, so that each has code and a shape of its own.
class Base { constructor() { this.reads = 0 } }
class H00 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H01 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H02 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H03 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H04 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H05 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H06 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H07 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H08 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H09 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H10 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H11 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H12 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H13 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H14 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class H15 extends Base { channelRead(ctx, msg) { this.reads += 1; ctx.fireChannelRead(msg) } }
class Tail extends Base { channelRead(ctx, msg) { this.reads += msg.size } }
class OutboundOnly { write(ctx, msg) { ctx.write(msg) } }

/** Forwarding handlers of sixteen classes; a measurement beside this one can put the same into a real pipeline. */
export const handlerClasses = [H00, H01, H02, H03, H04, H05, H06, H07, H08, H09, H10, H11, H12, H13, H14, H15]

const contextClasses = { naive: NaiveContext, cached: CachedContext, table: TableContext, skip: TableContext }

/** A chain of 16 handlers of `classes` classes and a tail. */
export function buildChain(variant, classes) {
  const Context = contextClasses[variant]
  const head = new Context(new Base())
  const tail = new Tail()
  let last = head
  const add = (handler) => { last = last.next = new Context(handler) }
  for (let i = 0; i < HANDLERS; i++) {
    if (variant === 'skip') add(new OutboundOnly())
    add(new handlerClasses[i % classes]())
  }
  add(tail)
  return { head, tail, hops: HANDLERS + 1 }
}

function drive(head, msg, times) {
  for (let i = 0; i < times; i++) head.fireChannelRead(msg)
}

/** Nanoseconds a hop: the median of seven samples after 400 ms of warm-up. */
export function measureDispatch(variant, classes) {
  const { head, tail, hops } = buildChain(variant, classes)
  const msg = { size: 1 }
  const times = 200_000
  let driven = 0
  const warm = performance.now() + 400
  for (; performance.now() < warm; driven += times) drive(head, msg, times)
  const samples = []
  for (let i = 0; i < 7; i++) {
    const start = process.hrtime.bigint()
    drive(head, msg, times)
    samples.push(Number(process.hrtime.bigint() - start) / (times * hops))
  }
  if (tail.reads !== driven + 7 * times) throw new Error(`the tail saw ${tail.reads} messages`)
  return median(samples)
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

function main(args) {
  const self = fileURLToPath(import.meta.url)
  if (args[0] === '--case') return console.log(measureDispatch(args[1], Number(args[2])))
  const rounds = Number(args[args.indexOf('--rounds') + 1]) || 5
  const variants = Object.keys(contextClasses)
  const kinds = [1, 4, 8, 16]
  const results = new Map()
  for (let round = 0; round < rounds; round++) {
    for (const k of kinds) {
      for (const variant of variants) {
        const child = spawnSync(process.execPath, [self, '--case', variant, String(k)], { encoding: 'utf8' })
        if (child.status !== 0) throw new Error(child.stderr)
        const key = `${variant} ${k}`
        results.set(key, [...(results.get(key) ?? []), Number(child.stdout)])
      }
    }
  }
  console.log(`ns a hop, ${HANDLERS} handlers of K classes, ${rounds} rounds, Node ${process.versions.node}`)
  console.log(['variant'.padEnd(9), ...kinds.map((k) => `K=${k}`.padEnd(25))].join(''))
  for (const variant of variants) {
    const cells = kinds.map((k) => {
      const values = results.get(`${variant} ${k}`)
      const ratio = median(values) / median(results.get(`naive ${k}`))
      const range = `(${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)})`
      return `${median(values).toFixed(2)} ${range} x${ratio.toFixed(2)}`.padEnd(25)
    })
    console.log([variant.padEnd(9), ...cells].join(''))
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2))
