import { IllegalReferenceCountError, release } from '@knotty/buffer'
import { checkOptions, IllegalArgumentError } from '@knotty/common'
import type { ChannelHandler } from './channel-handler.js'
import type { ChannelHandlerContext } from './channel-handler-context.js'
import { isClass } from './is-class.js'
import type { Consumes, HandlerTypes, Pass } from './typed-pipeline.js'

/** Says which messages a handler takes: a class (its constructor may be protected, as ByteBuf's is; String, Number and
 * the like stand for the primitive type), or a type guard. */
export type MessageMatcher<I> = ClassOf<I> | ClassOf<Boxed<I>> | ((msg: unknown) => msg is I)

/** No call signature here, or the parameter of a guard in its place would have no type. */
interface ClassOf<I> {
  readonly prototype: I
  readonly length: number
}

/** What String, Number and the like have as `prototype`: an object, and no `I`. */
type Boxed<I> = I extends string
  ? StringConstructor['prototype']
  : I extends number
    ? NumberConstructor['prototype']
    : I extends boolean
      ? BooleanConstructor['prototype']
      : I extends bigint
        ? BigIntConstructor['prototype']
        : I extends symbol
          ? SymbolConstructor['prototype']
          : never

/**
 * Takes the messages of one type, and releases each after {@link channelRead0}; other messages pass on.
 *
 *     class Login extends SimpleChannelInboundHandler {
 *       constructor() { super(LoginRequest) }
 *       channelRead0(ctx, request) { … }
 *     }
 *
 * When channelRead0 is async the message is released once its promise has settled. To keep a message longer, retain it.
 *
 * @typeParam I the messages
 * @typeParam Writes what it writes, for a TypedPipeline
 * @typeParam Fires what it fires beside the messages it passes on
 */
export abstract class SimpleChannelInboundHandler<I, Writes = never, Fires = never> implements ChannelHandler {
  /** For the compiler, see {@link HandlerTypes}: nothing is there at run time. */
  declare readonly handlerTypes: HandlerTypes<Consumes<I>, Fires, Pass, Writes>
  readonly #matches: (msg: unknown) => boolean
  readonly #autoRelease: boolean

  /**
   * @param matcher the class of the messages, or a guard; none takes every message
   * @param options.autoRelease false leaves the release to channelRead0 (true)
   * @throws an {@link IllegalArgumentError} for options that are no object, such as Netty's `autoRelease`
   */
  constructor(matcher?: MessageMatcher<I>, options: { readonly autoRelease?: boolean } = {}) {
    checkOptions(options, 'super(matcher, { autoRelease })')
    this.#matches = toPredicate(matcher)
    this.#autoRelease = options.autoRelease ?? true
  }

  /** A message of the type. A throw goes to exceptionCaught of this handler. */
  abstract channelRead0(ctx: ChannelHandlerContext, msg: I): unknown

  channelRead(ctx: ChannelHandlerContext, msg: unknown): unknown {
    if (!this.#matches(msg)) return void ctx.fireChannelRead(msg)
    let pending: Promise<unknown> | undefined
    try {
      const result = this.channelRead0(ctx, msg as I)
      if (result instanceof Promise) pending = result
    } finally {
      if (pending === undefined && this.#autoRelease) this.#releaseOwn(msg)
    }
    if (pending === undefined) return undefined
    return this.#autoRelease ? pending.finally(() => this.#releaseOwn(msg)) : pending
  }

  #releaseOwn(msg: unknown): void {
    try {
      release(msg)
    } catch (cause) {
      if (!(cause instanceof IllegalReferenceCountError)) throw cause
      throw new IllegalReferenceCountError(
        `${this.constructor.name} releases each message after channelRead0, and this one is gone already: retain() it before it is ` +
          'written or kept, or pass { autoRelease: false }',
        { cause },
      )
    }
  }
}

/** Primitive types have no instances: their constructors stand for `typeof`. */
const primitives: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [BigInt, 'bigint'],
  [Symbol, 'symbol'],
])

/** The predicate of a matcher: `instanceof` for a class, `typeof` for String, Number and the like, the guard itself, or always true. */
export function toPredicate<I>(matcher: MessageMatcher<I> | undefined): (msg: unknown) => boolean {
  if (matcher === undefined) return () => true
  if (typeof matcher !== 'function') throw new IllegalArgumentError(`matcher: ${String(matcher)} (expected: a class or a type guard)`)
  const type = primitives.get(matcher)
  if (type !== undefined) return (msg) => typeof msg === type
  if (isClass(matcher)) return (msg) => msg instanceof (matcher as unknown as abstract new () => I)
  return matcher as (msg: unknown) => boolean
}
