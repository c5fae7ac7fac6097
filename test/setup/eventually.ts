import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats a check until it holds; throws its last complaint when `withinMs` have passed. */
export async function eventually(check: () => void | Promise<void>, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (complaint) {
      if (performance.now() > deadline) throw complaint;
    }
    await sleep(10);
  }
}
