/** What earlier releases have left is taken up and ended by this one: see test/fixtures/journals/record.ts. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RELEASES, readRecorded, restore } from '../fixtures/journals/recorded.js';
import type { Answer as Given } from '../fixtures/journals/scenarios.js';
import { ANSWER } from '../fixtures/journals/scenarios.js';
import { type Answer, type Service, startService, until } from './service.js';

const HANDLERS = fileURLToPath(new URL('../fixtures/journals/handlers.js', import.meta.url));

describe.each(RELEASES)('an execution that %s has left', (release) => {
  const { scenarios } = readRecorded(release);
  let service: Service;
  let journalOf: Map<string, Row[]>;

  beforeAll(async () => {
    const database = await restore(release);
    // The API migrates it, and no worker is there yet: so this is what the release has left.
    service = await startService({ database, workers: 0, env: { HANDLERS } });
    journalOf = await readJournals(service);
    await service.startWorker();
  }, 120_000);

  afterAll(() => service.stop(), 60_000);

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s ends as it would have ended there',
    async (name, { executionId, after, output }) => {
      for (const given of after) await give(service, executionId, given);
      const ended = await until(
        async () => (await service.call('GET', `/executions/${executionId}`)).body,
        ({ status }: Answer) => status !== 'RUNNING',
        30_000,
      );
      expect(ended).toMatchObject({ name, status: 'SUCCEEDED', output });

      const before = journalOf.get(executionId) ?? [];
      const now = (await readJournals(service)).get(executionId) ?? [];
      expect(now.slice(0, before.length)).toEqual(before);
      const events: Answer[] = now.flatMap((row) => JSON.parse(row.events));
      expect(now.map(({ seq }) => seq)).toEqual(now.map((_, index) => index + 1));
      const { body } = await service.call('GET', `/executions/${executionId}/history?limit=1000`);
      expect(body.items.map(({ id }: Answer) => id)).toEqual(events.map((_, index) => index + 1));
      expect(body.items.map(({ type }: Answer) => type)).toEqual(events.map(({ type }) => type));
      expect(events[0].type).toBe('ExecutionStarted');
      expect(events.at(-1).type).toBe('ExecutionSucceeded');
    },
    60_000,
  );

  test('leaves nothing behind that runs, waits or is owned', async () => {
    const { rows: open } = await service.pool.query(
      'SELECT id, name FROM executions WHERE end_time IS NULL OR owner IS NOT NULL',
    );
    expect(open).toEqual([]);
    const { rows: dead } = await service.pool.query('SELECT error FROM dead_letters');
    expect(dead).toEqual([]);
  });
});

interface Row {
  seq: number;
  events: string;
}

async function readJournals(service: Service): Promise<Map<string, Row[]>> {
  const { rows } = await service.pool.query<Row & { execution_id: string }>(
    'SELECT execution_id, seq, events FROM journal ORDER BY execution_id, seq',
  );
  const journals = new Map<string, Row[]>();
  for (const { execution_id, seq, events } of rows)
    journals.set(execution_id, [...(journals.get(execution_id) ?? []), { seq, events }]);
  return journals;
}

/** Gives an execution what it waits for. */
async function give(service: Service, executionId: string, given: Given): Promise<void> {
  switch (given) {
    case 'tokens': {
      const tokens = await until(
        () => openTokens(service, executionId),
        (found) => found.length > 0,
      );
      for (const token of tokens) await answer(service, token);
      return;
    }
    case 'poll': {
      const { status, body } = await service.call('GET', '/activities/offered/task?workerName=eve&wait=10');
      expect(status).toBe(200);
      return answer(service, body.taskToken);
    }
    case 'message': {
      const sent = { correlationKey: 'order', correlationValue: 'A-1', data: ANSWER };
      expect((await service.call('POST', '/messages', sent)).body).toMatchObject({ delivered: 1 });
      return;
    }
    case 'resume':
    case 'redrive':
      expect((await service.call('POST', `/executions/${executionId}/${given}`)).status).toBe(200);
      return;
    default:
      throw new Error(`what is ${given satisfies never}?`);
  }
}

async function answer(service: Service, token: string): Promise<void> {
  expect(await service.call('POST', `/task-tokens/${token}/success`, { output: ANSWER })).toMatchObject({
    status: 204,
  });
}

/** The tokens on which the execution waits, or its children, or the children of its map runs. */
async function openTokens(service: Service, executionId: string): Promise<string[]> {
  const { rows } = await service.pool.query<{ token: string }>(
    `SELECT t.token FROM task_tokens t JOIN executions e ON e.id = t.execution_id LEFT JOIN batches b ON b.id = e.batch_id
     WHERE $1 IN (e.id, e.parent_id, b.parent_id) AND t.done_at IS NULL AND e.end_time IS NULL`,
    [executionId],
  );
  return rows.map(({ token }) => token);
}
