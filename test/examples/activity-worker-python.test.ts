import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  EXAMPLES,
  type ExampleService,
  type Program,
  startExampleService,
  startProgram,
  until,
} from './service.js';

const hasPython =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0;
if (!hasPython)
  process.stderr.write('There is no python3 (3.8 or later): its activity worker is not tested.\n');

(hasPython ? describe : describe.skip)('the activity worker in Python', () => {
  const machine = 'activity-worker-python';
  let service: ExampleService;
  const workers: Program[] = [];
  beforeAll(async () => {
    service = await startExampleService();
    // The activity is made by the first worker.
    await (await startWorker('first')).end();
    await service.makeMachine(machine);
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.end('SIGKILL');
  });
  afterAll(() => service.stop(), 60_000);

  async function startWorker(name: string): Promise<Program> {
    const worker = await startProgram('python3', [path.join(EXAMPLES, machine, 'worker.py')], {
      env: { ESCAPEMENT_URL: service.url, WORKER_NAME: name, PYTHONDONTWRITEBYTECODE: '1' },
      ready: /polls/,
    });
    workers.push(worker);
    return worker;
  }

  test('takes tasks and answers them', async () => {
    await startWorker('eve');
    const text = 'to be or not to be';
    expect(await service.ended(await service.start(machine, { text }))).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        words: 6,
        most: [
          ['to', 2],
          ['be', 2],
          ['or', 1],
        ],
        by: 'eve',
      },
    });
    expect(await service.ended(await service.start(machine, { text: 17 }))).toMatchObject({
      status: 'FAILED',
      error: 'BadText',
      cause: 'text must be a string',
    });
  });

  test('keeps a task that takes longer than its heartbeat may be missing', async () => {
    await startWorker('patient');
    const id = await service.start(machine, { text: 'slow', seconds: 5 });
    expect(await service.ended(id)).toMatchObject({ status: 'SUCCEEDED', output: { by: 'patient' } });
    const { items } = (await service.call('GET', `/executions/${id}/history`)).body;
    const types = items.map((event: { type: string }) => event.type);
    expect(types).not.toContain('ActivityTimedOut');
  });

  test('that is told to end finishes its task first', async () => {
    const worker = await startWorker('polite');
    const id = await service.start(machine, { text: 'one more', seconds: 1 });
    await until(
      async () => worker.lines,
      (lines) => lines.includes('took a task'),
    );
    await worker.end('SIGTERM');
    expect(worker.child.exitCode).toBe(0);
    expect(await service.ended(id)).toMatchObject({ status: 'SUCCEEDED', output: { by: 'polite' } });
  });

  test('that is killed loses its task to another', async () => {
    const doomed = await startWorker('doomed');
    const id = await service.start(machine, { text: 'a b', seconds: 2 });
    await until(
      async () => doomed.lines,
      (lines) => lines.includes('took a task'),
    );
    await doomed.end('SIGKILL');
    await startWorker('heir');
    expect(await service.ended(id)).toMatchObject({
      status: 'SUCCEEDED',
      output: { words: 2, by: 'heir' },
    });
    const { items } = (await service.call('GET', `/executions/${id}/history`)).body;
    const types = items.map((event: { type: string }) => event.type);
    expect(types).toContain('ActivityTimedOut');
  });
});
