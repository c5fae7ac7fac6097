/** The hammer's processes, and what is done to them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { guardAgainstOrphaning } from '../../src/main/orphan-guard.js';
import type { ProcessSettings } from './process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What the sessions of a process are called, with its number: so that one can be struck at the worst moment. */
export const SESSIONS = 'hammered ';

/** A name in the URL goes before the one that the store gives. */
export function sessionsNamed(url: string, name: string): string {
  const named = new URL(url);
  named.searchParams.set('application_name', name);
  return named.href;
}

export interface Crowd {
  /** Kills one with SIGKILL; another takes its place. */
  killOne(): Promise<void>;
  /** Stops one with SIGSTOP, and lets it go on after so long. */
  freezeOne(forMs: number): Promise<void>;
  /** @throws Error when one has ended by itself. */
  check(): void;
  end(): Promise<void>;
}

/** Starts so many, and waits until all are at work. */
export async function gather(count: number, settings: ProcessSettings): Promise<Crowd> {
  const crowd = new Set<ChildProcess>();
  const frozen = new Set<ChildProcess>();
  let complaint: string | undefined;
  let ending = false;

  const add = async (): Promise<void> => {
    const child = spawn(process.execPath, ['--import', './scripts/typescript.js', 'test/hammer/process.ts'], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'] ?? '',
        HAMMER: JSON.stringify(settings),
        ...(process.env['HAMMER_LOG'] !== undefined && { HAMMER_LOG: '1' }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    guardAgainstOrphaning(child);
    crowd.add(child);
    child.once('exit', (code) => {
      if (crowd.delete(child) && !ending) complaint = `a process of the hammer ended by itself, with ${code}`;
    });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  };
  const anyOf = (some: readonly ChildProcess[]): ChildProcess | undefined =>
    some[Math.floor(Math.random() * some.length)];

  await Promise.all(Array.from({ length: count }, add));
  return {
    killOne: async () => {
      const victim = anyOf([...crowd]);
      if (victim === undefined) return;
      crowd.delete(victim);
      victim.kill('SIGKILL');
      await add();
    },
    freezeOne: async (forMs) => {
      const victim = anyOf([...crowd].filter((child) => !frozen.has(child)));
      if (victim === undefined) return;
      frozen.add(victim);
      victim.kill('SIGSTOP');
      await sleep(forMs);
      victim.kill('SIGCONT');
      frozen.delete(victim);
    },
    check: () => {
      if (complaint !== undefined) throw new Error(complaint);
    },
    end: async () => {
      ending = true;
      const left = [...crowd];
      for (const child of left) child.kill('SIGKILL');
      await Promise.all(left.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
    },
  };
}
