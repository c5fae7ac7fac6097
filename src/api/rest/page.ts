import type { Page } from '../../operations/index.js';

/** A page with its items as they are printed. */
export function pageBody<T, U>(page: Page<T>, print: (item: T) => U): Page<U> {
  return { items: page.items.map(print), nextCursor: page.nextCursor };
}
