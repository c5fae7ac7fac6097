import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import { compileMachine, parseDefinition } from '../../src/asl/index.js';
import { createArns, type InvokeEffect } from '../../src/engine/index.js';
import { systemEntropy } from '../../src/main/clock.js';
import type { Database } from '../../src/store/index.js';
import { createMapRuns, type MapRuns, type StartMapRunCall } from '../../src/worker/services/map-runs.js';
import { insertParent, signalsFor } from '../batches/map-runs.js';
import { batchRow } from '../batches/rows.js';
import { rememberingLog } from '../setup/log.js';
import { openStore } from '../store/fixtures.js';

let database: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ database, close } = await openStore());
});
afterAll(() => close());

const parsed = parseDefinition({
  StartAt: 'Each',
  States: {
    Each: {
      Type: 'Map',
      Label: 'each',
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Keep',
        States: { Keep: { Type: 'Pass', End: true } },
      },
      End: true,
    },
  },
});
if (!parsed.ok) throw new Error('does not parse');
const machine = compileMachine(parsed.definition);

/** Map runs on a database that does something right before or after a statement that has these words. */
function mapRunsWith(words: string, when: 'before' | 'after', act: () => Promise<void> | void): MapRuns {
  let done = false;
  const query = async (text: string, values: unknown[]): Promise<unknown> => {
    const now = !done && text.includes(words);
    done ||= now;
    if (now && when === 'before') await act();
    const answer = await database.pool.query(text, values);
    if (now && when === 'after') await act();
    return answer;
  };
  const pool = { query, connect: () => database.pool.connect() } as unknown as pg.Pool;
  return createMapRuns({
    database: { pool },
    objects: undefined,
    arns: createArns({ region: 'us-east-1', accountId: '000000000000' }),
    clock: { now: () => Date.now() },
    entropy: systemEntropy,
    machineOf: async () => machine,
    ringBatch: async () => undefined,
    ring: () => undefined,
    log: rememberingLog(),
  });
}

interface Asked {
  mapRunId: string;
  key: string;
  start(mapRuns: MapRuns, signal: AbortSignal): ReturnType<MapRuns['start']>;
}

async function ask(): Promise<Asked> {
  const mapRunId = crypto.randomUUID();
  const executionId = await insertParent(database.pool);
  const call: StartMapRunCall = {
    kind: 'startMapRun',
    request: {
      mapRunId,
      mapRunArn: 'arn',
      label: 'each',
      maxConcurrency: 0,
      items: [1, 2, 3],
      plan: {},
      scope: { input: [1, 2, 3], effectiveInput: [1, 2, 3], context: {}, variables: {} },
    },
  };
  const effect: InvokeEffect = {
    kind: 'invoke',
    frameId: 0,
    key: `${executionId}/4`,
    call,
    stateName: 'Each',
    attempt: 0,
    timeoutAtMs: undefined,
  };
  const about = { executionId, executionName: 'x', stateMachineId: 'm', version: 1, queue: 'default' };
  return {
    mapRunId,
    key: effect.key,
    start: (mapRuns, signal) => mapRuns.start(effect, call, about, signal),
  };
}

const OPEN = 'UPDATE batches SET total';
const WRITE = 'INSERT INTO batch_chunks';

test.each([
  [WRITE, 'before'],
  [WRITE, 'after'],
  [OPEN, 'before'],
  [OPEN, 'after'],
] as const)('a map run that is let go (%s, %s) does not run', async (words, when) => {
  const { mapRunId, key, start } = await ask();
  const signal = new AbortController().signal;
  const mapRuns: MapRuns = mapRunsWith(words, when, () => mapRuns.cancel(mapRunId, key));
  await start(mapRuns, signal);
  const row = await batchRow(database.pool, mapRunId);
  expect(row?.['status'] ?? 'gone').toMatch(/^(gone|ABORTED)$/);
  expect(await signalsFor(database.pool, mapRunId)).toEqual([]);
});

test('let go while its row is about to be made, it does not run either', async () => {
  const { mapRunId, key, start } = await ask();
  const mapRuns = mapRunsWith('nothing', 'before', () => undefined);
  const starting = start(mapRuns, new AbortController().signal);
  await mapRuns.cancel(mapRunId, key);
  await starting;
  expect((await batchRow(database.pool, mapRunId))?.['status'] ?? 'gone').toMatch(/^(gone|ABORTED)$/);
});

test.each([
  [WRITE, 'before'],
  [WRITE, 'after'],
  [OPEN, 'before'],
  [OPEN, 'after'],
] as const)(
  'a worker that shuts down (%s, %s) leaves a run that its successor goes on with',
  async (words, when) => {
    const { mapRunId, start } = await ask();
    const shutdown = new AbortController();
    await start(
      mapRunsWith(words, when, () => shutdown.abort()),
      shutdown.signal,
    );
    const successor = mapRunsWith('nothing', 'before', () => undefined);
    expect(await start(successor, new AbortController().signal)).toEqual({ ok: true, output: { total: 3 } });
    expect(await batchRow(database.pool, mapRunId)).toMatchObject({
      status: 'RUNNING',
      total: 3,
      item_total: 3,
      notify_parent: true,
      owner: null,
    });
  },
);
