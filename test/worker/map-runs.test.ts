import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseDefinition, validateDefinition } from '../../src/asl/index.js';
import type { HistoryEvent } from '../../src/engine/index.js';
import { type ObjectStore, openObjectStore } from '../../src/objects/index.js';
import type { Queues } from '../../src/queue/index.js';
import {
  createStarts,
  createStateMachine,
  type Database,
  deliverSignal,
  leaveWorkers,
  listMapRuns,
  type MapRunRow,
  readEventRows,
  redriveExecution,
} from '../../src/store/index.js';
import type { Handlers } from '../../src/tasks/index.js';
import type { Worker } from '../../src/worker/index.js';
import { eventually } from '../setup/eventually.js';
import { rememberingLog } from '../setup/log.js';
import { arns, type House, openHouse } from './house.js';

let house: House;
let database: Database;
let queues: Queues;
let objectsDir: string;
const log = rememberingLog();

/** What the handlers have seen. */
const seen = { under: 0, peak: 0, by: new Map<string, number>(), aborted: 0, called: [] as number[] };

/** Until then the handler fails those of which a seventh is asked. */
let mended = false;

function handlersOf(worker: string): Handlers {
  return {
    double: async (input: { n: number }) => {
      seen.by.set(worker, (seen.by.get(worker) ?? 0) + 1);
      seen.peak = Math.max(seen.peak, ++seen.under);
      await sleep(2);
      seen.under--;
      return input.n * 2;
    },
    failOdd: (input: { n: number }) => {
      if (input.n % 2 === 1) throw new Error(`odd: ${input.n}`);
      return input.n;
    },
    untilMended: async (input: { n: number }) => {
      seen.called.push(input.n);
      seen.peak = Math.max(seen.peak, ++seen.under);
      await sleep(5);
      seen.under--;
      if (!mended && input.n % 7 === 3) throw new Error(`not yet: ${input.n}`);
      return input.n;
    },
    pause: async (input: { ms: number }[]) => {
      await sleep(input[0]?.ms ?? 0);
      return null;
    },
    slow: async (_input: unknown, { signal }) => {
      await sleep(60_000, undefined, { signal }).catch(() => {
        seen.aborted++;
      });
      return null;
    },
  };
}

beforeAll(async () => {
  house = await openHouse(log);
  ({ database, queues } = house);
  objectsDir = await mkdtemp(path.join(tmpdir(), 'map-runs-'));
  await mkdir(path.join(objectsDir, 'bucket'));
});

afterAll(async () => {
  await house.close();
  await rm(objectsDir, { recursive: true });
});

function worker(name: string, objects: ObjectStore | 'none' | undefined): Promise<Worker> {
  return house.startWorker(handlersOf(name), {
    concurrency: 20,
    objects:
      objects === 'none' ? undefined : (objects ?? openObjectStore({ directory: objectsDir, s3: undefined })),
  });
}

let machines = 0;

/** A machine that is one distributed Map. */
function mapMachine(map: object, resource: string, more: object = {}): Promise<string> {
  const Each = {
    Type: 'Map',
    Label: 'each',
    ItemProcessor: processor({ Work: { Type: 'Task', Resource: resource, End: true } }),
    End: true,
    ...map,
  };
  return makeMachine({ StartAt: 'Each', States: { Each, ...more } });
}

/** One that is made of these states, the first one first. */
function processor(states: Record<string, object>): object {
  return {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: Object.keys(states)[0],
    States: states,
  };
}

async function makeMachine(definition: object): Promise<string> {
  const stateMachineId = `machine-${++machines}`;
  const parsed = parseDefinition(definition as never);
  if (!parsed.ok) throw new Error('does not parse');
  expect(validateDefinition(parsed.definition).filter(({ severity }) => severity === 'ERROR')).toEqual([]);
  const outcome = await createStateMachine(database, {
    stateMachineId,
    name: stateMachineId,
    description: null,
    type: 'STANDARD',
    queue: 'default',
    weight: 5,
    metadata: null,
    roleArn: null,
    definition: definition as never,
  });
  expect(outcome.kind).toBe('created');
  return stateMachineId;
}

async function start(stateMachineId: string, input: unknown): Promise<string> {
  const answer = await createStarts(database).start({
    stateMachineId,
    name: crypto.randomUUID(),
    input: JSON.stringify(input),
    queue: undefined,
    at: undefined,
    waited: false,
    sourceExecutionId: undefined,
    sourceStateName: undefined,
  });
  if (answer.kind !== 'created') throw new Error(`not created: ${answer.kind}`);
  const { executionId, queue } = answer.execution;
  await queues.producer.ring(queue, [executionId]);
  return executionId;
}

async function rowOf(id: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query('SELECT * FROM executions WHERE id = $1', [id]);
  return rows[0];
}

async function ended(id: string, withinMs = 60_000): Promise<Record<string, unknown>> {
  await eventually(async () => expect((await rowOf(id))['end_time']).not.toBeNull(), withinMs);
  return rowOf(id);
}

async function runOf(executionId: string): Promise<MapRunRow> {
  const { items } = await listMapRuns(database.pool, executionId, { limit: 10, cursor: undefined });
  const [run] = items;
  if (run === undefined || items.length > 1) throw new Error(`${items.length} map runs`);
  return run;
}

async function typesOf(executionId: string): Promise<string[]> {
  const events: HistoryEvent[] = [];
  for await (const rows of readEventRows(database.pool, executionId)) events.push(...rows);
  return events.map(({ type }) => type);
}

const items = (count: number): { n: number }[] => Array.from({ length: count }, (_, n) => ({ n }));

async function withWorkers(
  names: string[],
  use: () => Promise<void>,
  objects?: ObjectStore | 'none',
): Promise<void> {
  const workers = await Promise.all(names.map((name) => worker(name, objects)));
  try {
    await use();
  } finally {
    await Promise.all(workers.map((one) => one.stop()));
  }
}

test('1,000 items run on both workers, never more than MaxConcurrency, and come back in order', async () => {
  await withWorkers(['a', 'b'], async () => {
    seen.peak = 0;
    seen.by.clear();
    const id = await start(await mapMachine({ MaxConcurrency: 24 }, 'double'), items(1_000));
    expect(await ended(id)).toMatchObject({
      status: 'SUCCEEDED',
      output: JSON.stringify(Array.from({ length: 1_000 }, (_, n) => n * 2)),
    });
    expect(seen.peak).toBeLessThanOrEqual(24);
    expect(seen.by.get('a')).toBeGreaterThan(50);
    expect(seen.by.get('b')).toBeGreaterThan(50);
    expect((seen.by.get('a') ?? 0) + (seen.by.get('b') ?? 0)).toBe(1_000);
    expect(await runOf(id)).toMatchObject({
      status: 'SUCCEEDED',
      stateMachineId: expect.stringMatching(/^machine-\d+\/each$/),
      executions: { total: 1_000, succeeded: 1_000 },
      items: { total: 1_000, succeeded: 1_000 },
    });
    expect(await typesOf(id)).toEqual([
      'ExecutionStarted',
      'MapStateEntered',
      'MapStateStarted',
      'MapRunStarted',
      'MapRunSucceeded',
      'MapStateSucceeded',
      'MapStateExited',
      'ExecutionSucceeded',
    ]);
  });
});

test('one at a time, a run comes to its end without waiting for a sweep between two', async () => {
  await withWorkers(['a', 'b'], async () => {
    seen.peak = 0;
    const id = await start(await mapMachine({ MaxConcurrency: 1 }, 'double'), items(60));
    // A sweep comes once a second: sixty of them would take a minute.
    expect(await ended(id, 40_000)).toMatchObject({ status: 'SUCCEEDED' });
    expect(seen.peak).toBe(1);
  });
});

test('items from a CSV object, in batches with an ItemSelector, results into objects', async () => {
  const rows = Array.from({ length: 25 }, (_, n) => `${n},name ${n}`);
  await writeFile(path.join(objectsDir, 'bucket', 'in.csv'), ['n,name', ...rows].join('\n'));
  const map = {
    ItemReader: {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW', MaxItems: 23 },
      Parameters: { 'Bucket.$': '$.bucket', Key: 'in.csv' },
    },
    ItemSelector: {
      'n.$': '$$.Map.Item.Value.n',
      'index.$': '$$.Map.Item.Index',
      'source.$': '$$.Map.Item.Source',
    },
    ItemBatcher: { MaxItemsPerBatch: 10, BatchInput: { 'bucket.$': '$.bucket' } },
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
      StartAt: 'Keep',
      States: { Keep: { Type: 'Pass', End: true } },
    },
    ResultWriter: {
      Resource: 'arn:aws:states:::s3:putObject',
      Parameters: { Bucket: 'bucket', Prefix: 'out' },
    },
  };
  await withWorkers(['a'], async () => {
    const id = await start(await mapMachine(map, 'unused'), { bucket: 'bucket' });
    const row = await ended(id);
    const run = await runOf(id);
    expect(row).toMatchObject({ status: 'SUCCEEDED' });
    expect(run).toMatchObject({ executions: { total: 3 }, items: { total: 23, succeeded: 23 } });
    const output = JSON.parse(String(row['output']));
    expect(output).toEqual({
      MapRunArn: expect.stringContaining(`/each:${run.mapRunId}`),
      ResultWriterDetails: { Bucket: 'bucket', Key: `out/${run.mapRunId}/manifest.json` },
    });
    const text = await readFile(
      path.join(objectsDir, 'bucket', 'out', run.mapRunId, 'SUCCEEDED_0.json'),
      'utf8',
    );
    const results = JSON.parse(text) as { Input: string; ExecutionArn: string; StateMachineArn: string }[];
    expect(results).toHaveLength(3);
    expect(results[0]).toMatchObject({
      Status: 'SUCCEEDED',
      ExecutionArn: expect.stringContaining(`:express:${run.stateMachineId}:`),
      StateMachineArn: arns.stateMachine(run.stateMachineId),
    });
    const inputs = results.map(({ Input }) => JSON.parse(Input) as { BatchInput: unknown; Items: object[] });
    expect(inputs.map(({ Items }) => Items.length)).toEqual([10, 10, 3]);
    expect(inputs[2]?.BatchInput).toEqual({ bucket: 'bucket' });
    expect(inputs[2]?.Items[0]).toMatchObject({
      n: '20',
      index: 20,
      source: expect.stringMatching(/bucket\/in\.csv$/),
    });
  });
});

test('items from a JSON object; without any the result is an empty list', async () => {
  await writeFile(path.join(objectsDir, 'bucket', 'in.json'), JSON.stringify(items(5)));
  await writeFile(path.join(objectsDir, 'bucket', 'none.json'), '[]');
  const ItemReader = {
    Resource: 'arn:aws:states:::s3:getObject',
    ReaderConfig: { InputType: 'JSON' },
    Parameters: { Bucket: 'bucket', 'Key.$': '$.key' },
  };
  await withWorkers(['a'], async () => {
    const machine = await mapMachine({ ItemReader }, 'double');
    const [some, none, missing] = await Promise.all(
      ['in.json', 'none.json', 'missing.json'].map(async (key) => ended(await start(machine, { key }))),
    );
    expect(some).toMatchObject({ status: 'SUCCEEDED', output: '[0,2,4,6,8]' });
    expect(none).toMatchObject({ status: 'SUCCEEDED', output: '[]' });
    expect(missing).toMatchObject({ status: 'FAILED', error: 'States.ItemReaderFailed' });
    expect(await typesOf(String(missing?.['id']))).toEqual([
      'ExecutionStarted',
      'MapStateEntered',
      'MapStateStarted',
      'MapRunStarted',
      'MapRunFailed',
      'MapStateFailed',
      'ExecutionFailed',
    ]);
  });
});

test('a run with more failures than tolerated fails the Map, which may catch it; one with fewer gives their records', async () => {
  const Catch = [{ ErrorEquals: ['States.ExceedToleratedFailureThreshold'], Next: 'Caught' }];
  const Caught = { Type: 'Pass', End: true };
  await withWorkers(['a'], async () => {
    const strict = await start(
      await mapMachine({ ToleratedFailureCount: 4, Catch }, 'failOdd', { Caught }),
      items(10),
    );
    const loose = await start(await mapMachine({ ToleratedFailurePercentage: 50 }, 'failOdd'), items(10));
    expect(JSON.parse(String((await ended(strict))['output']))).toEqual({
      Error: 'States.ExceedToleratedFailureThreshold',
      Cause: 'The specified tolerated failure threshold was exceeded',
    });
    expect(await runOf(strict)).toMatchObject({ status: 'FAILED' });
    const row = await ended(loose);
    expect(row).toMatchObject({ status: 'SUCCEEDED' });
    const output = JSON.parse(String(row['output'])) as unknown[];
    expect(output[2]).toBe(2);
    expect(output[3]).toMatchObject({ Status: 'FAILED', Error: 'Error', Input: '{"n":3}' });
    expect(await runOf(loose)).toMatchObject({ executions: { succeeded: 5, failed: 5 } });
  });
});

test('results that are too large together fail the Map', async () => {
  await withWorkers(['a'], async () => {
    const map = {
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Fill',
        States: { Fill: { Type: 'Pass', Result: 'x'.repeat(100_000), End: true } },
      },
    };
    const id = await start(await mapMachine(map, 'unused'), [1, 2, 3]);
    expect(await ended(id)).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
      cause:
        "The state/task 'Each' returned a result with a size exceeding the maximum number of bytes service limit.",
    });
  });
});

test('stopping the parent stops what runs of its map run, and starts nothing more', async () => {
  await withWorkers(['a', 'b'], async () => {
    seen.aborted = 0;
    const id = await start(await mapMachine({ MaxConcurrency: 5 }, 'slow'), items(50));
    await eventually(async () => expect(await runOf(id)).toMatchObject({ executions: { started: 5 } }));
    await sleep(200);
    const { owner, queue } = await deliverSignal(database.pool, id, 'stop', { error: 'Enough' });
    if (owner === null) await queues.producer.ring(queue, [id]);
    expect(await ended(id, 3_000)).toMatchObject({ status: 'ABORTED', error: 'Enough' });
    await eventually(async () => {
      const { status, executions } = await runOf(id);
      expect({ status, executions }).toMatchObject({
        status: 'ABORTED',
        executions: { started: 5, aborted: 50 },
      });
    });
    expect(seen.aborted).toBe(5);
  });
});

async function redrive(executionId: string): Promise<void> {
  const answer = await redriveExecution(database.pool, executionId, undefined);
  if (answer.kind !== 'redriven') throw new Error(`not redriven: ${answer.kind}`);
  await queues.producer.ring(answer.redriven.queue, [executionId]);
}

const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const inOrder = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

describe.each(['STANDARD', 'EXPRESS'])('redriven, a map run of %s children', (type) => {
  const inThrees = {
    MaxConcurrency: 3,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: type },
      StartAt: 'Work',
      States: { Work: { Type: 'Task', Resource: 'untilMended', End: true } },
    },
  };

  beforeEach(() => {
    mended = false;
    Object.assign(seen, { under: 0, peak: 0, called: [] });
  });

  test('does what failed and what was never started, nothing else, in its window', async () => {
    await withWorkers(['a', 'b'], async () => {
      const id = await start(await mapMachine(inThrees, ''), items(40));
      expect(await ended(id)).toMatchObject({ status: 'FAILED' });
      const before = await runOf(id);
      expect(before).toMatchObject({ status: 'FAILED', redriveCount: 0 });
      const done = before.executions.succeeded;
      expect(done).toBeLessThan(40);
      const calledBefore = seen.called.length;

      mended = true;
      seen.peak = 0;
      await redrive(id);
      const after = await ended(id);
      expect(after).toMatchObject({ status: 'SUCCEEDED', redrive_count: 1 });
      expect(JSON.parse(String(after['output']))).toEqual(numbersTo(40));
      const calledAgain = seen.called.slice(calledBefore);
      expect(calledAgain).toHaveLength(40 - done);
      expect(new Set(calledAgain).size).toBe(40 - done);
      expect(seen.peak).toBeLessThanOrEqual(3);
      expect(await runOf(id)).toMatchObject({
        status: 'SUCCEEDED',
        redriveCount: 1,
        executions: { total: 40, started: 40, toRedrive: 0, succeeded: 40, failed: 0, aborted: 0 },
        items: { total: 40, started: 40, toRedrive: 0, succeeded: 40, failed: 0, aborted: 0 },
      });
      const types = await typesOf(id);
      expect(
        types.filter((one) => /^(MapRun|ExecutionRedriven|MapState(Started|Failed|Succeeded))/.test(one)),
      ).toEqual([
        'MapStateStarted',
        'MapRunStarted',
        'MapRunFailed',
        'MapStateFailed',
        'ExecutionRedriven',
        'MapRunRedriven',
        'MapRunSucceeded',
        'MapStateSucceeded',
      ]);
      const { rows } = await database.pool.query(
        `SELECT e.id, count(j.*)::int AS checkpoints, sum(j.event_count)::int AS events,
           max(j.first_event_id + j.event_count) - 1 AS last
         FROM executions e JOIN journal j ON j.execution_id = e.id WHERE e.parent_id = $1 GROUP BY e.id`,
        [id],
      );
      expect(rows).toHaveLength(40);
      for (const { events, last } of rows) expect(events).toBe(last);
    });
  });

  test('that fails again fails its Map again, and may be redriven again', async () => {
    await withWorkers(['a'], async () => {
      const id = await start(await mapMachine({ ...inThrees, ToleratedFailureCount: 1 }, ''), items(20));
      expect(await ended(id)).toMatchObject({ status: 'FAILED' });
      await redrive(id);
      await eventually(async () =>
        expect(await rowOf(id)).toMatchObject({ status: 'FAILED', redrive_count: 1 }),
      );
      const { redriveCount, executions } = await runOf(id);
      expect(redriveCount).toBe(1);
      expect(executions.succeeded + executions.failed + executions.timedOut + executions.aborted).toBe(20);
      mended = true;
      await redrive(id);
      await eventually(async () => expect(await rowOf(id)).toMatchObject({ status: 'SUCCEEDED' }));
      expect(await runOf(id)).toMatchObject({ redriveCount: 2, executions: { succeeded: 20, aborted: 0 } });
      // Each has succeeded once: what is called twice has failed, or was stopped.
      expect(inOrder([...new Set(seen.called)])).toEqual(numbersTo(20));
    });
  });

  test('whose parent was stopped waits until its children have been, and goes on', async () => {
    await withWorkers(['a', 'b'], async () => {
      mended = true;
      const id = await start(await mapMachine(inThrees, ''), items(200));
      await eventually(() => expect(seen.called.length).toBeGreaterThan(20));
      const { owner, queue } = await deliverSignal(database.pool, id, 'stop', {});
      if (owner === null) await queues.producer.ring(queue, [id]);
      expect(await ended(id)).toMatchObject({ status: 'ABORTED' });
      await redrive(id);
      const after = await ended(id);
      expect(after).toMatchObject({ status: 'SUCCEEDED' });
      expect(JSON.parse(String(after['output']))).toEqual(numbersTo(200));
      // At most a window full was under way when the run was stopped.
      expect(seen.called.length).toBeLessThanOrEqual(203);
      expect(await runOf(id)).toMatchObject({ redriveCount: 1, executions: { succeeded: 200 } });
    });
  });
});

test('a worker that dies while it takes in the items is replaced, and what it still writes is refused', async () => {
  const text = JSON.stringify(items(3_000));
  let reads = 0;
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const objects: ObjectStore = {
    read: async () => (reads++ === 0 ? hanging() : whole()),
    list: () => {
      throw new Error('nothing is listed');
    },
    write: async () => undefined,
  };
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  async function* hanging(): AsyncGenerator<Uint8Array> {
    // More than a chunk of items, and then nothing for long.
    yield Buffer.from(text.slice(0, text.length * 0.7));
    await held;
    yield Buffer.from(text.slice(text.length * 0.7));
  }
  const ItemReader = {
    Resource: 'arn:aws:states:::s3:getObject',
    ReaderConfig: { InputType: 'JSON' },
    Parameters: { Bucket: 'bucket', Key: 'any.json' },
  };
  const ItemProcessor = {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: 'Keep',
    States: { Keep: { Type: 'Pass', End: true } },
  };
  await withWorkers(
    ['a'],
    async () => {
      const id = await start(
        await mapMachine(
          { ItemReader, ItemProcessor, ResultSelector: { 'items.$': 'States.ArrayLength($)' } },
          'unused',
        ),
        {},
      );
      await eventually(async () => {
        const { rows } = await database.pool.query(
          "SELECT 1 FROM batches b JOIN batch_chunks c ON c.batch_id = b.id WHERE b.parent_id = $1 AND b.status = 'RECEIVING'",
          [id],
        );
        expect(rows).not.toEqual([]);
      });
      const { owner } = await rowOf(id);
      // As the reaper does: the worker is declared dead and what it owned is free.
      for (const freed of await leaveWorkers(database.pool, String(owner)))
        await queues.producer.ring(freed.queue, [freed.executionId]);
      await eventually(async () => expect((await runOf(id)).executions.total).toBe(3_000));
      letGo();
      expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: '{"items":3000}' });
      expect(reads).toBe(2);
      const children = await database.pool.query(
        `SELECT count(*)::int AS n, count(DISTINCT input)::int AS inputs FROM executions WHERE parent_id = $1`,
        [id],
      );
      expect(children.rows).toEqual([{ n: 3_000, inputs: 3_000 }]);
    },
    objects,
  );
});

test('in JSONata: the items, what is made of them, and how many may run and fail', async () => {
  await withWorkers(['a'], async () => {
    const id = await start(
      await makeMachine({
        QueryLanguage: 'JSONata',
        StartAt: 'Each',
        States: {
          Each: {
            Type: 'Map',
            Items: '{% $states.input.list %}',
            ItemSelector: '{% {"n": $states.context.Map.Item.Value + $states.input.more} %}',
            MaxConcurrency: '{% $states.input.limit %}',
            ToleratedFailurePercentage: '{% 50 %}',
            ItemProcessor: processor({ Work: { Type: 'Task', Resource: 'failOdd', End: true } }),
            Output: '{% $states.result[$type($) = "number"] %}',
            End: true,
          },
        },
      }),
      { list: [1, 2, 3, 4], more: 10, limit: 2 },
    );
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: '[12,14]' });
    expect(await runOf(id)).toMatchObject({ maxConcurrency: 2, toleratedPercentage: 50 });
  });
});

test('a run that cannot begin fails the Map, says why, and leaves nothing behind', async () => {
  const begun = async (map: object, input: unknown): Promise<Record<string, unknown>> =>
    ended(await start(await mapMachine(map, 'double'), input));
  const reader = {
    Resource: 'arn:aws:states:::s3:getObject',
    ReaderConfig: { InputType: 'JSON' },
    Parameters: { Bucket: 'bucket', Key: 'any.json' },
  };
  await withWorkers(
    ['a'],
    async () => {
      const ItemSelector = { 'n.$': '$$.Map.Item.Value.missing' };
      expect(await begun({ ItemSelector }, items(3))).toMatchObject({
        status: 'FAILED',
        error: 'States.Runtime',
      });
      const large = { 'all.$': '$.x', 'again.$': '$.x' };
      expect(
        await begun({ ItemsPath: '$.list', ItemSelector: large }, { list: [1], x: 'x'.repeat(140_000) }),
      ).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
      expect(await begun({ ItemReader: reader }, {})).toMatchObject({
        status: 'FAILED',
        error: 'States.ItemReaderFailed',
        cause: expect.stringContaining('OBJECTS_DIR'),
      });
      const ResultWriter = {
        Resource: 'arn:aws:states:::s3:putObject',
        Parameters: { Bucket: 'b', Prefix: 'p' },
      };
      expect(await begun({ ResultWriter }, items(1))).toMatchObject({
        status: 'FAILED',
        error: 'States.ResultWriterFailed',
        cause: expect.stringContaining('OBJECTS_DIR'),
      });
      const { rows } = await database.pool.query("SELECT id FROM batches WHERE status = 'RECEIVING'");
      expect(rows).toEqual([]);
    },
    'none',
  );
});

test('a distributed Map in a distributed Map has runs of its own', async () => {
  const Inner = {
    Type: 'Map',
    Label: 'inner',
    ItemProcessor: processor({ Work: { Type: 'Task', Resource: 'double', End: true } }),
    End: true,
  };
  await withWorkers(['a', 'b'], async () => {
    const id = await start(await mapMachine({ ItemProcessor: processor({ Inner }) }, 'unused'), [
      items(2),
      items(3),
    ]);
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', output: '[[0,2],[0,2,4]]' });
    const { rows } = await database.pool.query(
      `SELECT b.state_machine_id, b.total FROM batches b JOIN executions e ON e.id = b.parent_id WHERE e.parent_id = $1 ORDER BY total`,
      [id],
    );
    const machine = String((await rowOf(id))['state_machine_id']);
    expect(rows).toEqual([
      { state_machine_id: `${machine}/inner`, total: 2 },
      { state_machine_id: `${machine}/inner`, total: 3 },
    ]);
  });
});

test.each([0, 30])('a Map whose sibling branch fails after %i ms is given up, wherever it is', async (ms) => {
  const Slow = {
    Type: 'Map',
    ItemProcessor: processor({ Work: { Type: 'Task', Resource: 'slow', End: true } }),
    End: true,
  };
  const Pause = { Type: 'Task', Resource: 'pause', Next: 'No' };
  await withWorkers(['a'], async () => {
    const id = await start(
      await makeMachine({
        StartAt: 'Both',
        States: {
          Both: {
            Type: 'Parallel',
            Branches: [
              { StartAt: 'Slow', States: { Slow } },
              { StartAt: 'Pause', States: { Pause, No: { Type: 'Fail', Error: 'No' } } },
            ],
            Catch: [{ ErrorEquals: ['No'], Next: 'Wait' }],
            End: true,
          },
          // So that nobody cancels the run for its parent's end.
          Wait: { Type: 'Wait', Seconds: 60, End: true },
        },
      }),
      Array.from({ length: 200 }, () => ({ ms })),
    );
    await eventually(async () => expect((await rowOf(id))['current_state']).toBe('Wait'));
    await eventually(async () => {
      const { rows } = await database.pool.query(
        `SELECT b.status, (SELECT count(*)::int FROM executions e WHERE e.batch_id = b.id AND e.end_time IS NULL) AS open
         FROM batches b WHERE b.parent_id = $1`,
        [id],
      );
      expect(rows.every(({ status, open }) => status === 'ABORTED' && open === 0)).toBe(true);
    });
    await deliverSignal(database.pool, id, 'stop', {});
  });
});

test('a machine whose time is up takes its map run with it', async () => {
  await withWorkers(['a'], async () => {
    const Each = {
      Type: 'Map',
      ItemProcessor: processor({ Work: { Type: 'Task', Resource: 'slow', End: true } }),
      End: true,
    };
    const id = await start(
      await makeMachine({ StartAt: 'Each', TimeoutSeconds: 1, States: { Each } }),
      items(5),
    );
    expect(await ended(id)).toMatchObject({ status: 'TIMED_OUT' });
    await eventually(async () => expect(await runOf(id)).toMatchObject({ status: 'ABORTED' }));
  });
});
