import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createExecutionOperations } from '../../src/operations/executions.js';
import {
  type ExecutionOperations,
  OperationError,
  type StateMachineOperations,
} from '../../src/operations/index.js';
import { createStateMachineOperations } from '../../src/operations/state-machines.js';
import { newId } from '../../src/store/index.js';
import { putExecution } from '../store/fixtures.js';
import { definitionWith, type House, openHouse, refusalOf } from './fixtures.js';

let house: House;
let machines: StateMachineOperations;
let executions: ExecutionOperations;
const cancelled: string[] = [];

beforeAll(async () => {
  house = await openHouse();
  executions = createExecutionOperations(house.deps);
  machines = createStateMachineOperations(house.deps, {
    cancel: async (id) => {
      cancelled.push(id);
      throw new OperationError('BATCH_ENDED', 'It ended meanwhile.');
    },
  });
});

afterAll(() => house.close());

describe('creating a state machine', () => {
  test('answers it as it is, from an object, JSON or YAML', async () => {
    const definition = definitionWith();
    const view = await machines.create({
      id: 'made',
      name: 'Made',
      description: 'd',
      definition,
      metadata: { team: 'a' },
    });
    expect(view).toEqual({
      stateMachineId: 'made',
      name: 'Made',
      description: 'd',
      type: 'STANDARD',
      queue: 'made',
      metadata: { team: 'a' },
      version: 1,
      definition,
      roleArn: null,
      recovery: null,
      maxConcurrentExecutions: null,
      startsPerSecond: null,
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
    });
    expect(await machines.get('made')).toEqual(view);
    expect(await machines.create({ name: 'json', definition: JSON.stringify(definition) })).toMatchObject({
      definition,
    });
    const yaml = 'StartAt: Done\nStates:\n  Done:\n    Type: Succeed\n';
    expect(await machines.create({ name: 'yaml', definition: yaml })).toMatchObject({ definition });
  });

  test('makes an id from the name, and another when it is taken or was taken once', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      ids.push(
        (await machines.create({ name: ' Órder  Processing! ', definition: definitionWith() }))
          .stateMachineId,
      );
      if (round === 1) await machines.remove('order-processing');
    }
    expect(ids).toEqual(['order-processing', 'order-processing-2', 'order-processing-3']);
    expect((await machines.create({ name: '注文', definition: definitionWith() })).stateMachineId).toBe(
      'state-machine',
    );
    // Not the queue of that name.
    expect((await machines.create({ name: 'default', definition: definitionWith() })).stateMachineId).toBe(
      'default-2',
    );
  });

  test('refuses an id that is taken, is a queue, or is no id', async () => {
    await machines.create({ id: 'taken', name: 't', definition: definitionWith() });
    const create = (id: string): Promise<OperationError> =>
      refusalOf(machines.create({ id, name: 't', definition: definitionWith() }));
    expect(await create('taken')).toMatchObject({ code: 'STATE_MACHINE_EXISTS', statusCode: 409 });
    expect(await create('critical')).toMatchObject({ code: 'INVALID_NAME', details: [{ pointer: '/id' }] });
    for (const id of ['', 'a b', 'ä', 'a/b', 'x'.repeat(81), 'a\0'])
      expect(await create(id)).toMatchObject({ code: 'INVALID_NAME' });
  });

  test('gives a deleted one its id back, with the next version and its old executions readable', async () => {
    await machines.create({ id: 'back', name: 'b', definition: definitionWith('One') });
    const { executionId } = await executions.start('back', {});
    await house.deps.database.pool.query(
      `UPDATE executions SET end_time = now(), status = 'SUCCEEDED' WHERE id = $1`,
      [executionId],
    );
    expect(await machines.remove('back')).toEqual({ stateMachineId: 'back', stopped: 0 });
    expect(await refusalOf(machines.get('back'))).toMatchObject({
      code: 'STATE_MACHINE_NOT_FOUND',
      statusCode: 404,
    });
    expect(await executions.get(executionId)).toMatchObject({ version: 1 });
    expect(await machines.create({ id: 'back', name: 'b', definition: definitionWith('Two') })).toMatchObject(
      { version: 2 },
    );
    expect((await machines.versions('back')).items.map(({ version }) => version)).toEqual([2, 1]);
    expect((await executions.list({ stateMachineId: 'back' })).items).toHaveLength(1);
  });

  test('refuses a bad definition with every complaint at once', async () => {
    const definition = { StartAt: 'Nowhere', States: { A: { Type: 'Pass', Next: 'B' }, C: { Type: 'Odd' } } };
    const refusal = await refusalOf(machines.create({ name: 'bad', definition }));
    expect(refusal).toMatchObject({ code: 'INVALID_DEFINITION', statusCode: 400 });
    expect(refusal.details.length).toBeGreaterThanOrEqual(3);
    expect(refusal.details.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(['/StartAt', '/States/A/Next', '/States/C/Type']),
    );
    expect(await machines.validate(definition)).toMatchObject({
      result: 'FAIL',
      diagnostics: { length: refusal.details.length },
    });
    expect(await machines.validate(definitionWith())).toEqual({ result: 'OK', diagnostics: [] });
    for (const nonsense of ['{', 'just text', 7, null, [], '']) {
      expect(await refusalOf(machines.create({ name: 'bad', definition: nonsense }))).toMatchObject({
        code: 'INVALID_DEFINITION',
      });
      expect(await machines.validate(nonsense)).toMatchObject({ result: 'FAIL' });
    }
  });

  test('refuses by name what is not there or not built', async () => {
    const definition = definitionWith();
    expect(await refusalOf(machines.create({ name: 'x', type: 'FAST', definition }))).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: [{ pointer: '/type', message: expect.stringContaining("'FAST' is not a type") }],
    });
    expect(await refusalOf(machines.create({ name: 'x', queue: 'none', definition }))).toMatchObject({
      code: 'QUEUE_NOT_FOUND',
    });
    expect(await refusalOf(machines.create({ name: ' ', definition }))).toMatchObject({
      code: 'INVALID_NAME',
    });
    expect(await refusalOf(machines.create({ name: 'x', definition, metadata: { a: '\0' } }))).toMatchObject({
      code: 'INVALID_INPUT',
      details: [{ pointer: '/metadata/a' }],
    });
    expect(
      await refusalOf(machines.create({ name: 'x', definition: { ...definition, Comment: 'a\0' } })),
    ).toMatchObject({ statusCode: 400 });
  });

  test('gives its queue the weight that the configuration names for it', async () => {
    await machines.create({ id: 'weighty', name: 'w', definition: definitionWith() });
    expect(await house.deps.database.prisma.queue.findUnique({ where: { name: 'weighty' } })).toMatchObject({
      weight: 8,
    });
  });
});

describe('a state machine', () => {
  test('that is changed has a new version only for a new definition', async () => {
    await machines.create({ id: 'edit', name: 'e', definition: definitionWith('One') });
    expect(await machines.update('edit', { name: 'E', queue: 'low' })).toMatchObject({
      version: 1,
      name: 'E',
      queue: 'low',
    });
    expect(await machines.update('edit', { definition: definitionWith('Two') })).toMatchObject({
      version: 2,
      name: 'E',
    });
    expect(await refusalOf(machines.update('edit', { definition: {} }))).toMatchObject({
      code: 'INVALID_DEFINITION',
    });
    expect(await refusalOf(machines.update('edit', { queue: 'none' }))).toMatchObject({
      code: 'QUEUE_NOT_FOUND',
    });
    expect(await refusalOf(machines.update('none', { name: 'x' }))).toMatchObject({
      code: 'STATE_MACHINE_NOT_FOUND',
    });
    expect(await machines.get('edit')).toMatchObject({ version: 2, queue: 'low' });
  });

  test('that is in use is deleted only by force, which stops what runs and cancels its batches', async () => {
    await machines.create({ id: 'used', name: 'u', definition: definitionWith() });
    const ids = await Promise.all(
      Array.from({ length: 7 }, async () => (await executions.start('used', {})).executionId),
    );
    const batchId = newId();
    await house.deps.database.pool.query(
      `INSERT INTO batches (id, state_machine_id, version, mode, status, name_prefix, concurrency, stop_on_error, queue, total, created_at, updated_at)
       VALUES ($1, 'used', 1, 'distributed', 'RUNNING', 'p', 1, false, 'used', 3, now(), now())`,
      [batchId],
    );
    expect(await refusalOf(machines.remove('used'))).toMatchObject({
      code: 'STATE_MACHINE_IN_USE',
      statusCode: 409,
    });
    const rungBefore = house.rung.length;
    expect(await machines.remove('used', { force: true })).toEqual({ stateMachineId: 'used', stopped: 7 });
    expect(cancelled).toEqual([batchId]);
    const { rows } = await house.deps.database.pool.query<{ execution_id: string }>(
      `SELECT execution_id FROM inbox WHERE execution_id = ANY($1) AND kind = 'stop' ORDER BY 1`,
      [ids],
    );
    expect(rows.map((row) => row.execution_id)).toEqual(ids.toSorted());
    expect(house.rung.slice(rungBefore)).toHaveLength(7);
    expect(await refusalOf(executions.start('used', {}))).toMatchObject({ code: 'STATE_MACHINE_NOT_FOUND' });
  });

  test('has statistics for every status', async () => {
    await machines.create({ id: 'stats', name: 's', definition: definitionWith() });
    const start = new Date(Date.now() - 10_000);
    await putExecution(house.deps.database, {
      state_machine_id: 'stats',
      status: 'FAILED',
      start_time: start,
      end_time: new Date(start.getTime() + 250),
    });
    const { statuses } = await machines.statistics('stats');
    expect(statuses.map(({ status, count }) => [status, count])).toEqual([
      ['RUNNING', 0],
      ['SUCCEEDED', 0],
      ['FAILED', 1],
      ['TIMED_OUT', 0],
      ['ABORTED', 0],
    ]);
    expect(statuses[2]).toMatchObject({ averageMs: 250, p50Ms: 250, p99Ms: 250, first: start, last: start });
    expect(await refusalOf(machines.statistics('none'))).toMatchObject({ code: 'STATE_MACHINE_NOT_FOUND' });
  });

  test('has statistics to the microsecond, also when it was deleted', async () => {
    await machines.create({ id: 'measured', name: 's', definition: definitionWith() });
    const start = new Date(Date.now() - 10_000);
    for (const ms of [1, 2, 35, 36]) {
      await putExecution(house.deps.database, {
        state_machine_id: 'measured',
        status: 'SUCCEEDED',
        start_time: start,
        end_time: new Date(start.getTime() + ms),
      });
    }
    await machines.remove('measured');
    const { statuses } = await machines.statistics('measured');
    // Interpolated, they are 35.84999… and 35.97.
    expect(statuses[1]).toMatchObject({ count: 4, averageMs: 18.5, p50Ms: 18.5, p95Ms: 35.85, p99Ms: 35.97 });
  });

  test('is listed, and never by what no text can be', async () => {
    expect((await machines.list({ id: 'stats' })).items).toHaveLength(1);
    expect(await refusalOf(machines.list({ name: '\0' }))).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await refusalOf(machines.list({ cursor: 'x' }))).toMatchObject({ code: 'INVALID_CURSOR' });
    expect(await refusalOf(machines.versions('stats', { cursor: 'x' }))).toMatchObject({
      code: 'INVALID_CURSOR',
    });
    expect(await refusalOf(machines.get('\0'))).toMatchObject({ code: 'STATE_MACHINE_NOT_FOUND' });
  });
});
