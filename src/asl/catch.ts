import type { Catcher } from './definition.js';
import { matchesError } from './error-names.js';

/** The first catcher that names an error, if any does. */
export function chooseCatcher(catchers: readonly Catcher[], errorName: string): Catcher | undefined {
  return catchers.find((catcher) => matchesError(catcher.errorEquals, errorName));
}
