import { expect, test } from '@jest/globals';
import {
  applyDelta,
  type FrameDelta,
  fold,
  mergeAllDeltas,
  newRun,
  nextWakeAt,
  pendingInvocations,
  type Run,
  snapshotOf,
  step,
} from '../../src/engine/index.js';
import { compile, START_MS } from './driver.js';
import { inlineMap, machineOf, parallel, task } from './machines.js';

const DEFINITION = machineOf({
  P: parallel([
    { M: inlineMap({ W: task('work', { TimeoutSeconds: 30 }) }, { MaxConcurrency: 2 }) },
    { L: { Type: 'Wait', Seconds: 60, End: true } },
  ]),
});

test('a run read back from its journal is the run that was lived through', async () => {
  const { lived, deltas } = await live();
  const rows = deltas.map((delta) => JSON.parse(JSON.stringify(delta)) as FrameDelta);
  expect(view(fold(fresh(), undefined, rows))).toEqual(view(lived));
});

test('a snapshot with the rows after it is as good as all rows', async () => {
  const { lived, deltas } = await live();
  for (let at = 0; at <= deltas.length; at += 1) {
    const snapshot = snapshotOf(fold(fresh(), undefined, deltas.slice(0, at)));
    expect(view(fold(fresh(), snapshot, deltas.slice(at)))).toEqual(view(lived));
  }
});

test('merged rows fold to the same run', async () => {
  const { lived, deltas } = await live();
  const merged = mergeAllDeltas(deltas.at(-1)?.meta ?? lived.meta, deltas);
  expect(view(fold(fresh(), undefined, [merged]))).toEqual(view(lived));
});

test('what is out is called again with the same keys and inputs', async () => {
  const { lived, deltas } = await live();
  const calls = pendingInvocations(fold(fresh(), undefined, deltas));
  expect(calls).toEqual(pendingInvocations(lived));
  expect(calls.map(({ call, attempt }) => [call, attempt])).toEqual([
    [{ kind: 'function', functionName: 'work', input: 'b' }, 0],
    [{ kind: 'function', functionName: 'work', input: 'c' }, 0],
  ]);
  expect(new Set(calls.map(({ key }) => key)).size).toBe(2);
});

test('the next time to look is the earliest of all frames', async () => {
  const { lived } = await live();
  expect(nextWakeAt(lived)).toBe(START_MS + 30_000);
});

test('a frame of a later format is refused, not misread', async () => {
  const { deltas } = await live();
  const later = JSON.parse(JSON.stringify(deltas[0]).replaceAll('"v":1', '"v":2')) as FrameDelta;
  expect(() => fold(fresh(), undefined, [later])).toThrow('format 2');
});

async function live(): Promise<{ lived: Run; deltas: FrameDelta[] }> {
  const lived = fresh();
  const deltas: FrameDelta[] = [];
  const take = async (happening: Parameters<typeof step>[1], afterMs: number): Promise<void> => {
    const { delta } = await step(lived, happening, START_MS + afterMs);
    deltas.push(delta);
    applyDelta(lived, delta);
  };
  await take({ kind: 'start' }, 0);
  const [first] = pendingInvocations(lived);
  await take({ kind: 'taskSucceeded', frameId: first?.frameId ?? 0, key: first?.key ?? '', output: 'A' }, 10);
  return { lived, deltas };
}

function fresh(): Run {
  const about = {
    executionId: 'execution-1',
    executionName: 'execution',
    stateMachineId: 'machine-1',
    stateMachineName: 'machine',
    input: ['a', 'b', 'c', 'd'],
    startTimeMs: START_MS,
  };
  return newRun(about, compile(DEFINITION), { random: () => 0.5, uuid: () => '' });
}

/** What a run says; its indices may list the same things in another order. */
function view(run: Run): unknown {
  const byId = [...run.frames].sort(([a], [b]) => a - b);
  const families = [...run.families].map(([id, { ids, done }]) => [id, [...ids].sort(), done] as const);
  return [run.meta, byId, [...run.ready].sort(), families.sort(([a], [b]) => a - b), nextWakeAt(run)];
}
