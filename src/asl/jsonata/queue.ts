/**
 * One evaluation at a time, in the order of asking.
 *
 * 1. Evaluations are pure computing, so nothing is gained by letting them overlap.
 * 2. The library (2.2.2) shares state between overlapping evaluations: a function's name and position for
 *    error messages are written onto the function itself. One at a time never see each other's.
 * 3. The time limit of an evaluation is measured from its start to its end: neighbours must not use it up.
 */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (busy) await new Promise<void>((resolve) => waiting.push(resolve));
  busy = true;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    // Who comes next has the turn already, so nobody gets in between.
    if (next === undefined) busy = false;
    else next();
  }
}

let busy = false;
const waiting: (() => void)[] = [];
