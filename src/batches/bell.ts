/** Lets one waiter sleep until somebody rings, the time is up, or the signal aborts. */
export interface Bell {
  /** A ring that nobody waits for is kept for who waits next. */
  ring(): void;
  /** @returns whether it was rung. */
  wait(ms: number): Promise<boolean>;
}

export function createBell(signal: AbortSignal): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    wait: async (ms) => {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          // Only while somebody waits: the signal lives as long as the worker.
          signal.addEventListener('abort', wake, { once: true });
        });
        if (wake !== undefined) signal.removeEventListener('abort', wake);
        wake = undefined;
      }
      const was = rung;
      rung = false;
      return was;
    },
  };
}
