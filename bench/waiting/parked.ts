/**
 * What executions that wait cost while they do, and how soon they go on:
 * `node --import ./scripts/typescript.js bench/waiting/parked.ts [executions] [woken]`, after `npm run build`. Linux only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../statistics.js';
import { measureService } from './measure.js';
import { cpuMs, factsOf, say } from './process-facts.js';

const PARKED = Number(process.argv[2] ?? 100_000);
const WOKEN = Number(process.argv[3] ?? 1_000);
/** Messages that are under way at once. */
const SENDERS = 10;
const REST_MS = 5_000;
const WATCH_MS = 20_000;

await measureService({}, async ({ url, pool, pids, call, createMachine }) => {
  const look = async (what: string): Promise<void> => {
    const begun = await Promise.all(pids.map(cpuMs));
    await sleep(WATCH_MS);
    for (const [at, pid] of pids.entries()) {
      const share = ((await cpuMs(pid)) - (begun[at] ?? 0)) / WATCH_MS;
      const { rssMb } = await factsOf(pid);
      const name = at === 0 ? 'API' : 'worker';
      say(`${what}, ${name}: ${rssMb.toFixed(0)} MB resident, ${(100 * share).toFixed(2)} % of a core`);
    }
  };
  const waiting = async (): Promise<number> =>
    (await pool.query('SELECT count(*)::int AS n FROM message_correlations WHERE hash <> 0')).rows[0].n;
  await createMachine('parked', {
    StartAt: 'A',
    States: { A: { Type: 'Message', CorrelationKey: 'n', CorrelationValuePath: '$.n', End: true } },
  });
  await look('nothing there');

  const lines = Array.from({ length: PARKED }, (_, n) => `{"n":"${String(n)}"}\n`).join('');
  const begunAt = performance.now();
  const answer = await fetch(`${url}/state-machines/parked/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines,
  });
  if (!answer.ok) throw new Error(await answer.text());
  while ((await waiting()) < PARKED) await sleep(200);
  say(`${PARKED} executions wait, after ${((performance.now() - begunAt) / 1000).toFixed(1)} s`);
  await sleep(REST_MS);
  await look(`${PARKED} wait`);

  const sentAt = new Map<number, number>();
  const step = Math.floor(PARKED / WOKEN);
  let next = 0;
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      for (let mine = next++; mine < WOKEN; mine = next++) {
        sentAt.set(mine * step, Date.now());
        await call('POST', '/messages', {
          correlationKey: 'n',
          correlationValue: String(mine * step),
          data: mine,
          ttlSeconds: 0,
        });
      }
    }),
  );
  await sleep(REST_MS);
  const { rows } = await pool.query<{ n: number; end_ms: number }>(
    `SELECT (input::json->>'n')::int AS n, (extract(epoch FROM end_time) * 1000)::float8 AS end_ms
       FROM executions WHERE status = 'SUCCEEDED'`,
  );
  const waits = rows.map(({ n, end_ms }) => end_ms - (sentAt.get(n) ?? Number.NaN));
  say(
    `${WOKEN} of them woken by ${SENDERS} senders: ${rows.length} have ended; from the message's request to the ` +
      `end p50 ${percentile(waits, 0.5).toFixed(0)} ms, p99 ${percentile(waits, 0.99).toFixed(0)} ms`,
  );
  await look(`${PARKED - WOKEN} wait`);
  if (rows.length !== WOKEN) process.exitCode = 1;
});
