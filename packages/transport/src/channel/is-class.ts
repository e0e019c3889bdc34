/**
 * True for what is to be used with `new`: a class, a built-in constructor, an old-style constructor with methods of its own. False
 * for a plain function: it can replace its `prototype`, a class and a built-in cannot.
 */
export function isClass(fn: object): boolean {
  const prototype = Object.getOwnPropertyDescriptor(fn, 'prototype')
  if (prototype === undefined || typeof prototype.value !== 'object' || prototype.value === null) return false
  if (prototype.writable !== true) return true
  return Reflect.ownKeys(prototype.value).length > 1 || Object.getPrototypeOf(prototype.value) !== Object.prototype
}
