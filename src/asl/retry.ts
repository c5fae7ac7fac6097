import type { Retrier } from './definition.js';
import { matchesError } from './error-names.js';

/** The longest pause between two attempts, in seconds: AWS allows MaxDelaySeconds less than one leap year. */
const MAX_DELAY_SECONDS = 31_622_400;

/** Which retrier is for an error: the first that names it; -1 if none does. */
export function chooseRetrier(retry: readonly Retrier[], errorName: string): number {
  return retry.findIndex((retrier) => matchesError(retrier.errorEquals, errorName));
}

/**
 * The pause before the next attempt, in ms: IntervalSeconds × BackoffRate^attempt, at most MaxDelaySeconds;
 * with FULL jitter anything from none to that (https://states-language.net/spec.html#errors).
 * @param attempt how often this retrier has been used so far: 0 before the first retry
 * @param random a number in [0, 1)
 */
export function nextDelayMs(retrier: Retrier, attempt: number, random: () => number): number {
  const grown = retrier.intervalSeconds * retrier.backoffRate ** attempt;
  const seconds = Math.min(grown, retrier.maxDelaySeconds ?? MAX_DELAY_SECONDS, MAX_DELAY_SECONDS);
  return Math.round(seconds * 1000 * (retrier.jitterStrategy === 'FULL' ? random() : 1));
}
