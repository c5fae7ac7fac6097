/**
 * Puts the virtual world in the place of the real one, for the whole of this (operating system's) process: clocks, timers,
 * dice, and the driver of PostgreSQL. What runs under it is the code of `src/` as it is.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import pg from 'pg';
import { Random } from './random.js';
import type { Happening, World } from './world.js';

/** What the code finds where it looks for time and chance. */
export interface Ambience {
  world: World;
  random: Random;
}

let ambience: Ambience | undefined;
const idBytes = new Random(1);

/** From now on this world is the one that code finds. */
export function enter(next: Ambience): void {
  ambience = next;
}

function here(): Ambience {
  if (ambience === undefined) throw new Error('no world has been entered');
  return ambience;
}

/** A timer of the virtual world, with what Node's has. */
class Timer {
  happening: Happening | undefined;
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

function set(work: (...values: unknown[]) => void, ms: unknown, values: unknown[], again: boolean): Timer {
  const { world } = here();
  const owner = world.current;
  const timer = new Timer();
  const delayMs = typeof ms === 'number' && ms > 1 ? ms : 1;
  const arm = (): void => {
    timer.happening = world.after(delayMs, owner, () => {
      if (again) arm();
      work(...values);
    });
  };
  arm();
  return timer;
}

function clear(timer: unknown): void {
  if (timer instanceof Timer && timer.happening !== undefined) ambience?.world.cancel(timer.happening);
}

type Work = (...values: unknown[]) => void;

/** To be called once, after everything has been imported. `drivers` take the place of the driver's classes. */
export function install(drivers: { Pool: unknown; Client: unknown }): void {
  Object.assign(globalThis, {
    setTimeout: (work: Work, ms?: number, ...values: unknown[]) => set(work, ms, values, false),
    setInterval: (work: Work, ms?: number, ...values: unknown[]) => set(work, ms, values, true),
    setImmediate: (work: Work, ...values: unknown[]) => set(work, 0, values, false),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  });
  Date.now = () => {
    const { world } = here();
    return Math.floor(world.nowMs) + (world.current?.skewMs ?? 0);
  };
  performance.now = () => here().world.nowMs - 1_700_000_000_000;
  Math.random = () => here().random.next();
  Object.assign(timersPromises, {
    setTimeout: (ms?: number) => new Promise((resolve) => set(resolve, ms, [], false)),
  });
  Object.assign(crypto, {
    randomUUID: () => uuid(here().random),
    // What makes ids unique beyond their order: not the run's own dice, since how often it is asked for depends on the runs before.
    randomFillSync: (buffer: Buffer) => {
      for (let at = 0; at < buffer.length; at++) buffer[at] = idBytes.between(0, 255);
      return buffer;
    },
  });
  // Which call a stray error is from is told to handlers in threads; here it would only make each promise dearer.
  Object.assign(AsyncLocalStorage.prototype, { run: (_store: unknown, work: () => unknown) => work() });
  syncBuiltinESMExports();
  Object.assign(pg, drivers);
}

/** A version 4 UUID of the dice's. */
export function uuid(random: Random): string {
  const hex = (digits: number): string =>
    Math.floor(random.next() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`;
}
