/** A process that runs its share of the executions, 50 at a time, with two calls of Prisma for each state. */
import { once } from 'node:events';
import type { Execution } from '../../src/store/generated/client.js';
import { connectDatabase } from '../../src/store/index.js';
import { loadHandlers } from '../../src/tasks/index.js';
import { HANDLERS_FILE, STEPS } from '../orders.js';
import { say, settingOf } from './process.js';

const CONCURRENCY = 50;

const { prisma } = connectDatabase({
  url: settingOf('DATABASE_URL'),
  poolSize: CONCURRENCY,
  log: console,
});
const handlers = await loadHandlers(HANDLERS_FILE);
const share = Number(settingOf('SHARE'));
const shares = Number(settingOf('SHARES'));
const executions = (await prisma.execution.findMany()).filter(
  ({ batchIndex }) => (batchIndex ?? 0) % shares === share,
);
say('ready');
await once(process.stdin, 'data');

const runNext = async (): Promise<void> => {
  for (let next = executions.pop(); next !== undefined; next = executions.pop()) await run(next);
};
await Promise.all(Array.from({ length: CONCURRENCY }, runNext));
say('done');

async function run({ id, name, input, stateMachineId }: Execution): Promise<void> {
  const data = JSON.parse(input) as Record<string, unknown>;
  let eventId = 2;
  for (const [n, { state, handler, result }] of STEPS.entries()) {
    const before = JSON.stringify(data);
    const context = {
      executionId: id,
      executionName: name,
      stateMachineId,
      stateName: state,
      attempt: 0,
      idempotencyKey: `${id}/${eventId + 1}`,
      signal: new AbortController().signal,
      heartbeat: () => undefined,
      credentials: undefined,
      timeoutAtMs: undefined,
      log: console,
    };
    const output = await handlers[handler]?.handler(data, context);
    data[result] = output;
    const events = history(eventId, state, handler, before, JSON.stringify(output), JSON.stringify(data));
    const isLast = n === STEPS.length - 1;
    await prisma.execution.update({
      where: { id },
      data: {
        currentState: state,
        ...(isLast && { status: 'SUCCEEDED', output: JSON.stringify(data), endTime: new Date() }),
      },
    });
    await prisma.checkpoint.create({
      data: {
        executionId: id,
        seq: n + 1,
        epoch: 1,
        firstEventId: eventId,
        eventCount: events.length,
        currentState: state,
        events: JSON.stringify(events),
        frames: '{}',
      },
    });
    eventId += events.length;
  }
}

/** What AWS records of a Task state, and ours keeps of it too. */
function history(
  from: number,
  name: string,
  resource: string,
  input: string,
  result: string,
  output: string,
): object[] {
  const timestamp = Date.now();
  const [inputJson, resultJson, outputJson] = [input, result, output].map(
    (text) => JSON.parse(text) as unknown,
  );
  return [
    { type: 'TaskStateEntered', details: { name, input: inputJson } },
    { type: 'LambdaFunctionScheduled', details: { resource, input: inputJson } },
    { type: 'LambdaFunctionStarted' },
    { type: 'LambdaFunctionSucceeded', details: { output: resultJson } },
    { type: 'TaskStateExited', details: { name, output: outputJson } },
  ].map((event, n) => ({ id: from + n, previousEventId: from + n - 1, timestamp, ...event }));
}
