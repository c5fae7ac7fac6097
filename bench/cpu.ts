/**
 * The CPU time that a measurement took, by who used it. Unlike the time on the wall it hardly depends on what
 * else the machine does, so it says what holds a way back even where the figures are noisy. Linux only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import type pg from 'pg';

/** In seconds. */
export interface CpuTime {
  /** The processes that do the work. */
  node: number;
  postgres: number;
  redis: number;
}

export interface CpuClock {
  /** What those processes and both servers have used between now and the call of the answer. */
  start(pids: readonly number[]): Promise<() => Promise<CpuTime | undefined>>;
}

export async function createCpuClock(admin: pg.Pool, redis: Redis): Promise<CpuClock> {
  if (!existsSync('/proc/self/stat')) return { start: async () => async () => undefined };
  const { rows } = await admin.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const postmaster = (await readStat(rows[0]?.pid ?? 0))?.parent ?? 0;
  const read = async (pids: readonly number[]): Promise<CpuTime> => ({
    node: (await Promise.all(pids.map(readStat))).reduce((sum, stat) => sum + (stat?.own ?? 0), 0),
    postgres: await familyTime(postmaster),
    redis: redisTime(await redis.info('cpu')),
  });
  return {
    start: async (pids) => {
      const before = await read(pids);
      return async () => {
        const after = await read(pids);
        return {
          node: after.node - before.node,
          postgres: after.postgres - before.postgres,
          redis: after.redis - before.redis,
        };
      };
    },
  };
}

/** A process, its children, and those of its children that have ended. */
async function familyTime(parent: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  let time = 0;
  for (const stat of await Promise.all(pids.map(readStat))) {
    if (stat?.pid === parent) time += stat.own + stat.ended;
    else if (stat?.parent === parent) time += stat.own;
  }
  return time;
}

interface Stat {
  pid: number;
  parent: number;
  own: number;
  /** Of children that have been waited for. */
  ended: number;
}

/** See proc(5), /proc/pid/stat; undefined: it has ended. */
async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The name, in parentheses, may hold anything; the fields behind it begin with the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (n: number): number => Number(fields[n - 3]);
  return {
    pid,
    parent: field(4),
    own: (field(14) + field(15)) / TICKS,
    ended: (field(16) + field(17)) / TICKS,
  };
}

/** Ticks a second: 100 nearly everywhere, but the system says. */
const TICKS = existsSync('/proc/self/stat') ? Number(execFileSync('getconf', ['CLK_TCK'])) : 100;

function redisTime(info: string): number {
  return [...info.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
}
