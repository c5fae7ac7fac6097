/** All cases through one service: many at once, since most of the time they wait. */
import type { Case } from '../corpus.js';
import { type Result, runCase, runInMemory } from '../runner.js';
import { QUICK_MS } from '../through.js';
import { createClient } from './client.js';
import { overHttp, type Place } from './over-http.js';
import { renamed } from './renaming.js';
import { startService } from './service.js';

/** How many quick cases are under way at once; slow ones do nothing but wait, and all begin at the start. */
const AT_ONCE = 16;

/**
 * Runs what does not take long, or with `slow` everything. How long a case takes, the virtual clock says.
 * @param options.databaseUrl of a database for this run; absent: a PostgreSQL of its own.
 */
export async function runThroughHttp(
  cases: readonly Case[],
  { slow, databaseUrl }: { slow: boolean; databaseUrl?: string },
): Promise<Result[]> {
  const entries = (await runInMemory(cases)).map(({ one, outcome }, at) => {
    const expectedMs = outcome.kind === 'compared' ? (outcome.elapsedMs ?? 0) : 0;
    return {
      one,
      alone: renamed(one, `-c${String(at)}`),
      place: { stateMachineId: `case-${String(at)}`, expectedMs },
      isSlow: expectedMs > QUICK_MS,
      result: { one, outcome: { kind: 'leftOut' } } as Result,
    };
  });
  const chosen = entries.filter(({ isSlow }) => slow || !isSlow);
  const functions = Object.assign({}, ...chosen.map(({ alone }) => alone.lambdas ?? {}));
  const places = new Map(chosen.map(({ alone, place }) => [alone, place]));
  const service = await startService({ functions, ...(databaseUrl !== undefined && { databaseUrl }) });
  try {
    const through = overHttp(createClient(service.url), (one) => places.get(one) as Place);
    const run = async (entry: (typeof entries)[number]): Promise<void> => {
      entry.result = { one: entry.one, outcome: await runCase(entry.alone, through) };
    };
    const quick = chosen.filter(({ isSlow }) => !isSlow).values();
    const lanes = Array.from({ length: AT_ONCE }, async () => {
      for (const entry of quick) await run(entry);
    });
    await Promise.all([...lanes, ...chosen.filter(({ isSlow }) => isSlow).map(run)]);
  } finally {
    await service.stop();
  }
  return entries.map(({ result }) => result);
}
