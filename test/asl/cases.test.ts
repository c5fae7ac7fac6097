import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  type Completion,
  catchCompletion,
  choiceCompletion,
  choose,
  chooseCatcher,
  compileMachine,
  completionOf,
  contextObject,
  correlationOf,
  credentialsOf,
  distributedPlan,
  effectiveInput,
  failureOf,
  type MessageState,
  mapItemInput,
  mapItems,
  mapLimits,
  messageResult,
  messageTimeout,
  parametersOf,
  QueryError,
  resultOf,
  type Scope,
  type State,
  StatesError,
  taskTimeouts,
  validateDefinition,
  waitUntilMs,
} from '../../src/asl/index.js';
import { isObject, type Json, type JsonObject } from '../../src/std/json.js';

/**
 * One behaviour of one state. To add one, add it to a file in cases/. `result` is what a Task's function
 * returns or a message brings, `fails` what it fails with; everything in `expect` must be so, and an expected error alone.
 */
interface Case {
  name: string;
  spec: string;
  state: JsonObject;
  input: Json;
  /** What earlier states have assigned. */
  variables?: JsonObject;
  result?: Json;
  fails?: { Error: string; Cause: string };
  expect: JsonObject;
}

const NOW_MS = 1_000_000;

const directory = new URL('./cases/', import.meta.url);
for (const file of readdirSync(directory)) {
  const cases = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Case[];
  describe(file, () => {
    test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
      const outcome = await outcomeOf(one);
      const asked = Object.keys(one.expect).map((key) => [key, outcome[key]]);
      expect(Object.fromEntries(asked)).toEqual(one.expect);
    });
  });
}

/** Everything that can be said of the state: what it comes to, or the error it ends with. */
async function outcomeOf(one: Case): Promise<JsonObject> {
  try {
    return await run(one, stateOf(one.state));
  } catch (error) {
    if (error instanceof QueryError) {
      return { error: error.error, cause: error.cause, location: error.location ?? null };
    }
    if (error instanceof StatesError) return { error: error.error, cause: error.cause };
    throw error;
  }
}

async function run(one: Case, state: State): Promise<JsonObject> {
  const scope = scopeOf(one);
  if (state.type === 'Fail') {
    const { error, cause } = await failureOf(state, scope);
    return { error: error ?? null, cause: cause ?? null };
  }
  const input = effectiveInput(state, scope);
  switch (state.type) {
    case 'Choice': {
      const chosen = await choose(state, scope, input);
      return { next: chosen.next, ...shown(await choiceCompletion(state, scope, input, chosen)) };
    }
    case 'Wait':
      return {
        untilMs: await waitUntilMs(state, scope, input, NOW_MS),
        ...shown(await completionOf(state, scope, input)),
      };
    case 'Succeed':
      return shown(await completionOf(state, scope, input));
    case 'Pass': {
      const result = state.result ?? (await parametersOf(state, scope, input));
      return shown(await completionOf(state, scope, result));
    }
    case 'Map': {
      const { maxConcurrency, toleratedFailureCount, toleratedFailurePercentage } = await mapLimits(
        state,
        scope,
        input,
      );
      const limits: JsonObject = { maxConcurrency };
      if (toleratedFailureCount !== undefined) limits['toleratedFailureCount'] = toleratedFailureCount;
      if (toleratedFailurePercentage !== undefined)
        limits['toleratedFailurePercentage'] = toleratedFailurePercentage;
      const reads = state.distributed?.itemReader !== undefined;
      const items = reads ? [] : await mapItems(state, scope, input);
      const itemInputs: Json[] = [];
      for (const [index, value] of items.entries())
        itemInputs.push(await mapItemInput(state, scopeOf(one, { index, value }), input, value));
      if (state.distributed === undefined) return { limits, items, itemInputs };
      const plan = await distributedPlan(state, state.distributed, scope, input);
      return { limits, items, itemInputs, plan: { ...plan }, label: state.distributed.label };
    }
    case 'Message':
      return runMessage(one, state, scope, input);
    default:
      return runTask(one, state, scope, input);
  }
}

async function runMessage(one: Case, state: MessageState, scope: Scope, input: Json): Promise<JsonObject> {
  const { key, value } = await correlationOf(state, scope, input);
  const timeoutSeconds = (await messageTimeout(state, scope, input)) ?? null;
  const result = resultOf(state, scope, messageResult(state, scope, one.result ?? null));
  return { key, value, timeoutSeconds, ...shown(await completionOf(state, scope, result)) };
}

async function runTask(one: Case, state: State, scope: Scope, input: Json): Promise<JsonObject> {
  if (state.type !== 'Task') throw new Error(`no case is about a ${state.type} state`);
  if (one.fails !== undefined) {
    const catcher = chooseCatcher(state.catch, one.fails.Error);
    if (catcher === undefined) return { error: one.fails.Error, cause: one.fails.Cause };
    return { next: catcher.next, ...shown(await catchCompletion(catcher, scope, one.fails)) };
  }
  const { timeoutSeconds, heartbeatSeconds } = await taskTimeouts(state, scope, input);
  const timeouts: JsonObject = {};
  if (timeoutSeconds !== undefined) timeouts['timeoutSeconds'] = timeoutSeconds;
  if (heartbeatSeconds !== undefined) timeouts['heartbeatSeconds'] = heartbeatSeconds;
  const parameters = await parametersOf(state, scope, input);
  const result = resultOf(state, scope, one.result ?? null);
  const credentials = (await credentialsOf(state, scope, input)) ?? null;
  return { timeouts, parameters, credentials, ...shown(await completionOf(state, scope, result)) };
}

function shown({ output, assigned }: Completion): JsonObject {
  return { output, assigned: assigned ?? null };
}

/** The state as the only one of a valid machine, with the states that its transitions name. */
function stateOf(state: JsonObject): State {
  const targets = new Set<string>();
  collectTargets(state, targets);
  const others = [...targets]
    .filter((name) => name !== 'S')
    .map((name) => [name, { Type: 'Succeed' }] as const);
  const states: JsonObject = { S: state, ...Object.fromEntries(others) };
  const definition = { StartAt: 'S', States: states };
  const errors = validateDefinition(definition).filter(({ severity }) => severity === 'ERROR');
  expect(errors).toEqual([]);
  const compiled = compileMachine(definition).states.get('S');
  if (compiled === undefined) throw new Error('the state was not compiled');
  return compiled;
}

const TARGETS: ReadonlySet<string> = new Set(['Next', 'Default', 'TimeoutPath']);

function collectTargets(value: Json, targets: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collectTargets(item, targets);
  if (!isObject(value)) return;
  for (const [key, field] of Object.entries(value)) {
    if (TARGETS.has(key) && typeof field === 'string') targets.add(field);
    else if (key !== 'ItemProcessor' && key !== 'Iterator') collectTargets(field, targets);
  }
}

function scopeOf({ input, variables }: Case, mapItem?: { index: number; value: Json }): Scope {
  return {
    input,
    context: contextObject({
      execution: { id: 'e-1', name: 'first', input, startTimeMs: 0 },
      stateMachine: { id: 'm-1', name: 'orders' },
      state: { name: 'S', enteredTimeMs: 0 },
      ...(mapItem === undefined ? {} : { mapItem }),
    }),
    variables: variables ?? {},
    nowMs: NOW_MS,
    entropy: { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' },
  };
}
