/**
 * A value, or a promise of it. What is at hand is passed on at once: a promise costs a turn of the event loop's
 * microtasks, which most steps need not pay.
 */
export type Maybe<T> = T | Promise<T>;

/** Goes on with the value as soon as it is there. */
export function after<T, U>(value: Maybe<T>, next: (value: T) => Maybe<U>): Maybe<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
