import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileMachine, type Machine, parseDefinition, validateDefinition } from '../../src/asl/index.js';
import {
  applyDelta,
  type Happening,
  isEmpty,
  isEnded,
  newRun,
  nextWakeAt,
  pendingInvocations,
  type Run,
  type Step,
  step,
} from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { START_MS } from './driver.js';

const ENTROPY = { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };

/** What happens to a call of a task. */
type Answer = { output: Json } | { error: string; cause: string };

const data = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom<Json>(null, true, '', 'text', -0, 1e308, '\ud800'),
      fc.integer({ min: -3, max: 9 }),
      fc.string(),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'list', '__proto__', 'constructor'), tie('value'), {
      maxKeys: 3,
    }),
  ) as fc.Arbitrary<Json>,
})).value;

const input = fc.record({
  a: data,
  list: fc.array(data, { maxLength: 4 }),
  n: fc.integer({ min: 0, max: 5 }),
}) as unknown as fc.Arbitrary<JsonObject>;

const answer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 3, arbitrary: data.map((output) => ({ output })) },
  fc.constantFrom('Broken', 'States.Timeout').map((error) => ({ error, cause: 'because' })),
);

const path = fc.constantFrom('$', '$.a', '$.list', '$.list[0]', '$.list[*]', '$.missing', '$$.State.Name');
const expression = fc.constantFrom(
  '{% $states.input %}',
  '{% $states.input.list[0] %}',
  '{% $states.context.State.Name %}',
  '{% $count($states.input.list) %}',
  '{% $sum("x") %}',
  '{% $uuid() & $string($random()) & $string($millis()) %}',
  '{% ($f := function($x) { $x }; $f($states.input)) %}',
);
const RETRY = [{ ErrorEquals: ['Broken', 'States.TaskFailed'], MaxAttempts: 1, JitterStrategy: 'FULL' }];

/** What any JSONPath state may have besides what makes it what it is. */
const jsonpathFields = fc.record(
  {
    InputPath: path,
    OutputPath: path,
    Parameters: fc.constantFrom<Json>(
      { 'x.$': '$.a', c: [1] },
      { 'x.$': 'States.Array($.n, States.UUID())' },
    ),
    ResultPath: fc.constantFrom('$', '$.r', '$.a.b', '$.list[0]', null),
    Assign: fc.constantFrom<Json>({ v: 1 }, { 'v.$': '$' }),
  },
  { requiredKeys: [] },
);

const jsonataFields = fc.record(
  { Output: expression, Assign: fc.record({ v: expression }) },
  { requiredKeys: [] },
);

type Bare = { type: string; fields: JsonObject };

/** A state of each type in one language, without Next: those that take any of the fields, and those that do not. */
function bareState(depth: number): fc.Arbitrary<{ language: 'JSONPath' | 'JSONata'; state: JsonObject }> {
  return fc.constantFrom<'JSONPath' | 'JSONata'>('JSONPath', 'JSONata').chain((language) => {
    const extra = language === 'JSONPath' ? jsonpathFields : jsonataFields;
    return fc
      .tuple(bare(language, depth), extra as fc.Arbitrary<JsonObject>)
      .map(([{ type, fields }, more]) => ({
        language,
        state: { Type: type, QueryLanguage: language, ...allowed(type, language, more), ...fields },
      }));
  });
}

/** Only the fields that the type has in its language. */
function allowed(type: string, language: string, fields: JsonObject): JsonObject {
  if (language === 'JSONata') return type === 'Fail' || type === 'Choice' ? {} : fields;
  const has: Record<string, readonly string[]> = {
    Pass: ['InputPath', 'OutputPath', 'Parameters', 'ResultPath', 'Assign'],
    Task: ['InputPath', 'OutputPath', 'Parameters', 'ResultPath', 'Assign'],
    Parallel: ['InputPath', 'OutputPath', 'Parameters', 'ResultPath', 'Assign'],
    Map: ['OutputPath', 'ResultPath', 'Assign'],
    Wait: ['InputPath', 'OutputPath', 'Assign'],
    Succeed: ['InputPath', 'OutputPath'],
    Choice: ['InputPath', 'OutputPath', 'Assign'],
  };
  const names = has[type] ?? [];
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}

function bare(language: 'JSONPath' | 'JSONata', depth: number): fc.Arbitrary<Bare> {
  const inJsonata = language === 'JSONata';
  const choice = inJsonata
    ? [{ Condition: '{% $states.input.n > 2 %}', Next: 'NEXT' }]
    : [{ Variable: '$.n', NumericGreaterThan: 2, Next: 'NEXT' }];
  const flat = fc.constantFrom<Bare>(
    { type: 'Pass', fields: {} },
    { type: 'Task', fields: { Resource: 'work', Retry: RETRY, TimeoutSeconds: 3 } },
    {
      type: 'Task',
      fields: { Resource: 'work', Catch: [{ ErrorEquals: ['States.ALL'], Next: 'NEXT' }] },
    },
    { type: 'Choice', fields: { Choices: choice, Default: 'NEXT' } },
    { type: 'Wait', fields: { Seconds: inJsonata ? '{% 1 + 1 %}' : 2 } },
    { type: 'Succeed', fields: {} },
    { type: 'Fail', fields: { Error: inJsonata ? '{% $states.input.a %}' : 'Broken' } },
  );
  if (depth === 0) return flat;
  const inner = group(depth - 1, `${String(depth)}`);
  return fc.oneof(
    { weight: 2, arbitrary: flat },
    fc.array(inner, { minLength: 1, maxLength: 2 }).map((branches) => ({
      type: 'Parallel',
      // Names are unique in the whole machine.
      fields: { Branches: branches.map((branch, n) => renamed(branch, `b${String(n)}`)), Retry: RETRY },
    })),
    inner.map((processor) => ({
      type: 'Map',
      fields: {
        ItemProcessor: renamed(processor, 'm'),
        ...(inJsonata ? { Items: '{% $states.input.list %}' } : { ItemsPath: '$.list' }),
        MaxConcurrency: 2,
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'NEXT' }],
      },
    })),
  );
}

/** States in a chain, the last of which ends it. */
function group(depth: number, prefix = ''): fc.Arbitrary<JsonObject> {
  return fc.array(bareState(depth), { minLength: 1, maxLength: 3 }).map((states) => {
    const name = (n: number): string => `S${prefix}${String(n)}`;
    const last: JsonObject = { Type: 'Pass', End: true };
    const chained = states.map(({ state }, n): [string, Json] => {
      const next = name(n + 1);
      const leads = !['Choice', 'Succeed', 'Fail'].includes(String(state['Type']));
      return [
        name(n),
        JSON.parse(
          JSON.stringify({ ...state, ...(leads && { Next: next }) }).replaceAll(
            '"NEXT"',
            JSON.stringify(next),
          ),
        ),
      ];
    });
    // What nothing leads to would be refused.
    const reached = chained.findIndex(([, state]) => ['Succeed', 'Fail'].includes(typeOf(state)));
    const used =
      reached < 0 ? [...chained, [name(states.length), last] as const] : chained.slice(0, reached + 1);
    return { StartAt: name(0), States: Object.fromEntries(used) };
  });
}

function typeOf(state: Json): string {
  return String((state as JsonObject)['Type']);
}

/** All state names of a group with something before them. */
function renamed(group: JsonObject, prefix: string): JsonObject {
  return JSON.parse(JSON.stringify(group).replace(/"S(\d*)"/g, `"S${prefix}$1"`)) as JsonObject;
}

function compiled(definition: JsonObject): Machine | undefined {
  const parsed = parseDefinition(definition);
  if (!parsed.ok) return undefined;
  if (validateDefinition(parsed.definition).some(({ severity }) => severity === 'ERROR')) return undefined;
  return compileMachine(parsed.definition);
}

const MAX_STEPS = 40;

test('a step changes nothing that it is given, is the same when it is taken again, and ignores strangers', async () => {
  const seen = new Map<string, number>();
  let ended = 0;
  await fc.assert(
    fc.asyncProperty(group(2), input, fc.infiniteStream(answer), async (definition, given, answers) => {
      deepFreeze(definition);
      deepFreeze(given);
      const machine = compiled(definition);
      fc.pre(machine !== undefined);
      const run = newRun(aboutOf(given), machine, ENTROPY);
      let nowMs = START_MS;
      let happening: Happening | undefined = { kind: 'start' };
      for (let taken = 0; happening !== undefined && taken < MAX_STEPS; taken++) {
        const result = await takeTwice(run, happening, nowMs);
        for (const { type } of result.history) seen.set(type, (seen.get(type) ?? 0) + 1);
        applyDelta(run, result.delta);
        await ignoresStrangers(run, nowMs);
        [happening, nowMs] = nextFor(run, result, nowMs, answers);
      }
      if (isEnded(run)) ended++;
    }),
    { numRuns: 300 },
  );
  // The property says nothing where nothing runs.
  expect(ended).toBeGreaterThan(150);
  for (const type of ['Pass', 'Task', 'Choice', 'Wait', 'Succeed', 'Fail', 'Parallel', 'Map']) {
    expect([type, seen.get(`${type}StateEntered`) ?? 0]).not.toEqual([type, 0]);
  }
  expect(seen.get('EvaluationFailed') ?? 0).toBeGreaterThan(0);
});

async function takeTwice(run: Run, happening: Happening, nowMs: number): Promise<Step> {
  deepFreeze(happening);
  deepFreeze(run.meta);
  for (const frame of run.frames.values()) deepFreeze(frame);
  const before = view(run);
  const once = await step(run, happening, nowMs);
  const text = JSON.stringify(once);
  expect(view(run)).toBe(before);
  expect(JSON.stringify(await step(run, happening, nowMs))).toBe(text);
  expect(view(run)).toBe(before);
  return structuredClone(once);
}

/** Answers and heartbeats to frames that are not there, and to calls that are not theirs. */
async function ignoresStrangers(run: Run, nowMs: number): Promise<void> {
  const frames = [...run.frames.keys()];
  for (const frameId of [-1, run.meta.nextFrameId + 7, ...frames.slice(0, 2)]) {
    const strangers: Happening[] = [
      { kind: 'taskSucceeded', frameId, key: 'nobody/1', output: { x: 1 } },
      { kind: 'taskFailed', frameId, key: 'nobody/1', error: 'E', cause: 'C' },
      { kind: 'heartbeat', frameId, key: 'nobody/1' },
    ];
    for (const stranger of strangers) {
      // What is ready goes on with any happening: only a run that waits can say that nothing came of it.
      if (nextWakeAt(run) === 0) continue;
      const nothing = await step(run, stranger, nowMs);
      expect(isEmpty(nothing)).toBe(true);
    }
  }
}

/** What happens next, and when: an answer to a call, or what comes with time. */
function nextFor(
  run: Run,
  result: Step,
  nowMs: number,
  answers: fc.Stream<Answer>,
): [Happening | undefined, number] {
  if (isEnded(run)) return [undefined, nowMs];
  if (result.more) return [{ kind: 'tick' }, nowMs];
  const call = pendingInvocations(run)[0];
  if (call !== undefined) {
    const { frameId, key } = call;
    const drawn = answers.next().value as Answer;
    return [
      'output' in drawn
        ? { kind: 'taskSucceeded', frameId, key, output: drawn.output }
        : { kind: 'taskFailed', frameId, key, ...drawn },
      nowMs,
    ];
  }
  const wakeAtMs = nextWakeAt(run);
  return wakeAtMs === undefined ? [undefined, nowMs] : [{ kind: 'tick' }, Math.max(nowMs, wakeAtMs)];
}

function aboutOf(given: Json): Run['about'] {
  return {
    executionId: 'execution-1',
    executionName: 'execution',
    stateMachineId: 'machine-1',
    stateMachineName: 'machine',
    input: given,
    startTimeMs: START_MS,
  };
}

function view(run: Run): string {
  const families = [...run.families].map(([id, family]) => [id, [...family.ids], family.done]);
  return JSON.stringify([run.about, run.meta, [...run.frames], [...run.ready], run.timers, families]);
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}
