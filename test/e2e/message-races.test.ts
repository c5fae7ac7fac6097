/**
 * A message against its timeout: it is sent as the time runs out, a little before or after, and exactly one of the two
 * wins. Who sent the message and what the execution went on with must agree: `delivered` 1 and Paid, or 0 and Late.
 * 500 races; RACES=10000 runs as many (docs/reliability.md has what became of them).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Service, startService, until } from './service.js';

const RACES = Number(process.env['RACES'] ?? 500);
const WAVE = 250;
/** The message is sent so many ms before or after the instant of the timeout, at most. */
const SPREAD_MS = 60;

let service: Service;
beforeAll(async () => {
  service = await startService({ workers: 2 });
  const { status } = await service.call('POST', '/state-machines', {
    id: 'race',
    name: 'race',
    definition: {
      StartAt: 'Await',
      States: {
        Await: {
          Type: 'Message',
          CorrelationKey: 'race',
          CorrelationValuePath: '$.n',
          TimeoutSeconds: 3,
          TimeoutPath: 'Late',
          Next: 'Paid',
        },
        Paid: { Type: 'Pass', End: true },
        Late: { Type: 'Pass', Result: 'late', End: true },
      },
    },
  });
  expect(status).toBe(201);
});
afterAll(() => service.stop(), 60_000);

/** Runs some races at once; answers of each whether its message was delivered, by the number of the race. */
async function race(
  first: number,
  count: number,
): Promise<{ batchId: string; delivered: Map<number, number> }> {
  const inputs = Array.from({ length: count }, (_, i) => ({ n: first + i }));
  const { body } = await service.call('POST', '/state-machines/race/batch', { inputs });
  const waits = new Map<number, number>();
  const delivered = new Map<number, number>();
  const sends: Promise<void>[] = [];
  const send = async (n: number, atMs: number): Promise<void> => {
    await sleep(Math.max(0, atMs - Date.now()));
    const message = { correlationKey: 'race', correlationValue: n, data: { paid: n }, ttlSeconds: 0 };
    const answer = await service.call('POST', '/messages', message);
    expect(answer.status).toBe(200);
    delivered.set(n, answer.body.delivered);
  };
  await until(
    async () => {
      const { items } = (await service.call('GET', '/state-machines/race/waiting?limit=1000')).body;
      for (const { correlationValue, timeoutAt } of items) {
        const n = Number(correlationValue);
        if (waits.has(n)) continue;
        const atMs = Date.parse(timeoutAt) - SPREAD_MS + (2 * SPREAD_MS * ((n * 7919) % 1000)) / 1000;
        waits.set(n, atMs);
        sends.push(send(n, atMs));
      }
      return waits.size;
    },
    (found) => found === count,
  );
  await Promise.all(sends);
  return { batchId: body.batchId, delivered };
}

test(`of ${RACES} races between a message and its timeout, exactly one of the two wins each`, async () => {
  let paid = 0;
  let late = 0;
  const wrong: unknown[] = [];
  for (let first = 0; first < RACES; first += WAVE) {
    const count = Math.min(WAVE, RACES - first);
    const { batchId, delivered } = await race(first, count);
    await until(
      async () => (await service.call('GET', `/batches/${batchId}`)).body,
      ({ status }: Answer) => status !== 'RUNNING',
    );
    const { items } = (await service.call('GET', `/executions?batchId=${batchId}&limit=1000`)).body;
    expect(items).toHaveLength(count);
    for (const { input, output, status } of items) {
      const was = delivered.get(input.n);
      const won = status === 'SUCCEEDED' && was === 1 && output?.paid === input.n;
      const lost = status === 'SUCCEEDED' && was === 0 && output === 'late';
      if (won) paid++;
      else if (lost) late++;
      else wrong.push({ n: input.n, was, status, output });
    }
  }
  expect(wrong).toEqual([]);
  expect(paid + late).toBe(RACES);
  // Else it was no race.
  expect(paid).toBeGreaterThan(0);
  expect(late).toBeGreaterThan(0);
  process.stdout.write(`${RACES} races: the message won ${paid}, the timeout ${late}\n`);
  // No message is kept, and nobody waits any more.
  expect((await service.call('GET', '/state-machines/race/waiting')).body.items).toEqual([]);
  const { rows } = await service.pool.query('SELECT count(*)::int AS n FROM messages');
  expect(rows[0].n).toBe(0);
}, 3_600_000);
