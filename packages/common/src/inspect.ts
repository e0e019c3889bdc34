import { inspect } from 'node:util'

/**
 * Makes `console.log` and `util.inspect` print the objects of a class in one line, `toString()` unless `show` says otherwise. Their
 * fields lead to event loops and slabs, that is to hundreds of lines, and to bytes of other connections that belong in no log.
 */
export function inspectInOneLine<T extends object>(inspected: { readonly prototype: T }, show: (value: T) => string = String): void {
  Object.defineProperty(inspected.prototype, inspect.custom, {
    value(this: T): string {
      return show(this)
    },
  })
}
