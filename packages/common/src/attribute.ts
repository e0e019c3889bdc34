import { IllegalArgumentError, UnsupportedOperationError } from './errors.js'

/**
 * Names one typed value of a channel. Two keys with the same name are different keys: the object is the identity.
 *
 *     const SESSION = new AttributeKey<Session>('session')
 *     channel.attr(SESSION).set(session)
 */
export class AttributeKey<T> {
  /** Shown in messages; it does not identify the key. */
  readonly name: string
  /** Only for the type checker: keeps keys of different types apart. */
  declare protected readonly valueType: T

  constructor(name: string) {
    this.name = name
  }

  /** Netty's registry of names does not exist here: make one key, with `new`, and share the object. Throws. */
  static valueOf(): never {
    throw new UnsupportedOperationError('AttributeKey.valueOf does not exist: make the key once, new AttributeKey(name), and share it')
  }

  toString(): string {
    return `AttributeKey(${this.name})`
  }
}

/** The place of one attribute in one {@link AttributeMap}. */
export class Attribute<T> {
  readonly key: AttributeKey<T>
  #value: T | undefined

  constructor(key: AttributeKey<T>) {
    this.key = key
  }

  /** The value, or undefined when none was set. */
  get(): T | undefined {
    return this.#value
  }

  set(value: T): void {
    this.#value = value
  }

  /** Takes the value out and gives it back. */
  remove(): T | undefined {
    const value = this.#value
    this.#value = undefined
    return value
  }
}

/** Attributes by key; the cells are made on first use. */
export class AttributeMap {
  readonly #cells = new Map<AttributeKey<unknown>, Attribute<unknown>>()

  attr<T>(key: AttributeKey<T>): Attribute<T> {
    if (!(key instanceof AttributeKey)) throw new IllegalArgumentError(`key: ${String(key)} (expected: an AttributeKey)`)
    let cell = this.#cells.get(key as AttributeKey<unknown>)
    if (cell === undefined) {
      cell = new Attribute(key as AttributeKey<unknown>)
      this.#cells.set(key as AttributeKey<unknown>, cell)
    }
    return cell as Attribute<T>
  }
}
