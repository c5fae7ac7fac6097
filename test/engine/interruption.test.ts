import { expect, test } from '@jest/globals';
import {
  applyDelta,
  deriveStateRecords,
  type Happening,
  type HistoryEvent,
  newRun,
  type Run,
  type Step,
  step,
} from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { compile, START_MS } from './driver.js';
import { machineOf, parallel, task } from './machines.js';

/** A run at its first calls, whose worker has died. */
async function interrupted(definition: JsonObject, input: Json = { a: 1 }) {
  const about = {
    executionId: 'e',
    executionName: 'e',
    stateMachineId: 'm',
    stateMachineName: 'm',
    input,
    startTimeMs: START_MS,
  };
  const entropy = { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };
  const run: Run = newRun(about, compile(definition), entropy);
  const history: HistoryEvent[] = [];
  const take = async (happening: Happening): Promise<Step> => {
    const taken = await step(run, happening, START_MS);
    applyDelta(run, taken.delta);
    history.push(...taken.history);
    return taken;
  };
  await take({ kind: 'start' });
  return { run, history, take };
}

const end = ({ effects }: Step) => effects.find(({ kind }) => kind === 'end');

test('skip leaves the interrupted state with the output, or with its input', async () => {
  const definition = machineOf({
    Ship: task('ship', { ResultPath: '$.shipped', Next: 'Last' }),
    Last: { Type: 'Pass', End: true },
  });
  const given = await interrupted(definition);
  expect(end(await given.take({ kind: 'interrupted', strategy: 'skip', output: null }))).toMatchObject({
    status: 'SUCCEEDED',
    output: null,
  });
  expect(deriveStateRecords(given.history)).toMatchObject([
    { stateName: 'Ship', status: 'CAUGHT', error: 'Escapement.Interrupted' },
    { stateName: 'Last', status: 'SUCCEEDED' },
  ]);
  const own = await interrupted(definition);
  expect(end(await own.take({ kind: 'interrupted', strategy: 'skip' }))).toMatchObject({ output: { a: 1 } });
});

test('fail fails the interrupted state, and its Catch may take it', async () => {
  const plain = await interrupted(machineOf({ Ship: task('ship') }));
  expect(end(await plain.take({ kind: 'interrupted', strategy: 'fail' }))).toMatchObject({
    status: 'FAILED',
    error: 'Escapement.Interrupted',
  });
  const caught = await interrupted(
    machineOf({
      Ship: task('ship', { Catch: [{ ErrorEquals: ['Escapement.Interrupted'], Next: 'Last' }] }),
      Last: { Type: 'Pass', End: true },
    }),
  );
  expect(end(await caught.take({ kind: 'interrupted', strategy: 'fail' }))).toMatchObject({
    status: 'SUCCEEDED',
    output: { Error: 'Escapement.Interrupted' },
  });
});

test('only calls were interrupted: what waits goes on waiting, and a token is given up with its call', async () => {
  const both = await interrupted(
    machineOf({
      Both: parallel([
        {
          Ship: task('arn:aws:states:::lambda:invoke.waitForTaskToken', {
            Parameters: { FunctionName: 'ask', Payload: { 'token.$': '$$.Task.Token' } },
          }),
        },
        { Wait: { Type: 'Wait', Seconds: 9, End: true } },
      ]),
    }),
  );
  const { effects } = await both.take({ kind: 'interrupted', strategy: 'skip', output: 1 });
  expect(effects).toMatchObject([{ kind: 'cancel' }, { kind: 'release', awaited: { kind: 'token' } }]);
  expect([...both.run.frames.values()].map(({ phase }) => phase.kind)).toEqual([
    'children',
    'done',
    'waiting',
  ]);

  const waiting = await interrupted(machineOf({ Wait: { Type: 'Wait', Seconds: 9, End: true } }));
  expect(await waiting.take({ kind: 'interrupted', strategy: 'fail' })).toMatchObject({
    history: [],
    effects: [],
  });
});

test('a call over HTTP was interrupted like one of a function', async () => {
  const charge = task('arn:aws:states:::http:invoke', {
    Parameters: {
      ApiEndpoint: 'https://pay.example/charges',
      Method: 'POST',
      Authentication: { ConnectionArn: 'arn:aws:events:us-east-1:000000000000:connection/pay/1' },
    },
  });
  const { take } = await interrupted(machineOf({ Charge: charge }));
  expect(end(await take({ kind: 'interrupted', strategy: 'fail' }))).toMatchObject({
    status: 'FAILED',
    error: 'Escapement.Interrupted',
  });
});
