import { setTimeout as sleep } from 'node:timers/promises';
import type { Town } from './town.js';

/** Something that goes wrong while the town works. One file each under faults/. */
export interface Fault {
  /** As in `--only`. */
  name: string;
  /** For the table. */
  what: string;
  /** Processes are frozen or cut off, so that one may make a call that its successor has made already. */
  wakesTheDead?: boolean;
  /** It needs so long to be one, in ms. */
  atLeastMs?: (town: Town) => number;
  /** Hurts the town until `signal` fires, and takes its own doing back. Proxies and processes are healed by the town. */
  strike(town: Town, hurting: Hurting): Promise<void>;
}

export interface Hurting {
  signal: AbortSignal;
  /** A number below 1, as Math.random gives; from the seed. */
  random: () => number;
}

/** Sleeps, or until the fault is over. Answers whether it goes on. */
export async function pause(ms: number, { signal }: Hurting): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

export function oneOf<T>(all: readonly T[], { random }: Hurting): T | undefined {
  return all[Math.floor(random() * all.length)];
}
