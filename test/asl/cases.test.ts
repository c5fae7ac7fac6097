import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  catchOutput,
  chooseCatcher,
  chooseNext,
  compileMachine,
  contextObject,
  effectiveInput,
  failureOf,
  mapItemInput,
  mapItems,
  mapLimits,
  outputOf,
  parametersOf,
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
 * returns, `fails` what it fails with; everything in `expect` must be so, and an expected error alone.
 */
interface Case {
  name: string;
  spec: string;
  state: JsonObject;
  input: Json;
  result?: Json;
  fails?: { Error: string; Cause: string };
  expect: JsonObject;
}

const NOW_MS = 1_000_000;

const directory = new URL('./cases/', import.meta.url);
for (const file of readdirSync(directory)) {
  const cases = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Case[];
  describe(file, () => {
    test.each(cases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
      const outcome = outcomeOf(one);
      const asked = Object.keys(one.expect).map((key) => [key, outcome[key]]);
      expect(Object.fromEntries(asked)).toEqual(one.expect);
    });
  });
}

/** Everything that can be said of the state: what it comes to, or the error it ends with. */
function outcomeOf(one: Case): JsonObject {
  try {
    return run(one, stateOf(one.state));
  } catch (error) {
    if (error instanceof StatesError) return { error: error.error, cause: error.cause };
    throw error;
  }
}

function run(one: Case, state: State): JsonObject {
  const scope = scopeOf(one.input);
  if (state.type === 'Fail') {
    const { error, cause } = failureOf(state, scope);
    return { error: error ?? null, cause: cause ?? null };
  }
  const input = effectiveInput(state, scope);
  switch (state.type) {
    case 'Choice':
      return { next: chooseNext(state, scope, input), output: outputOf(state, scope, input) };
    case 'Wait':
      return { untilMs: waitUntilMs(state, scope, input, NOW_MS), output: outputOf(state, scope, input) };
    case 'Succeed':
      return { output: outputOf(state, scope, input) };
    case 'Pass':
      return { output: outputOf(state, scope, state.result ?? parametersOf(state, scope, input)) };
    case 'Map': {
      const limits = mapLimits(state, scope, input);
      const items = mapItems(state, scope, input);
      const itemInputs = items.map((value, index) =>
        mapItemInput(state, scopeOf(one.input, { index, value }), input, value),
      );
      return { limits, items, itemInputs };
    }
    default:
      return runTask(one, state, scope, input);
  }
}

function runTask(one: Case, state: State, scope: Scope, input: Json): JsonObject {
  if (state.type !== 'Task') throw new Error(`no case is about a ${state.type} state`);
  if (one.fails !== undefined) {
    const catcher = chooseCatcher(state.catch, one.fails.Error);
    if (catcher === undefined) return { error: one.fails.Error, cause: one.fails.Cause };
    return { next: catcher.next, output: catchOutput(catcher, scope, one.fails) };
  }
  return {
    timeouts: taskTimeouts(state, scope, input),
    parameters: parametersOf(state, scope, input),
    output: outputOf(state, scope, resultOf(state, scope, one.result ?? null)),
  };
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

function collectTargets(value: Json, targets: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collectTargets(item, targets);
  if (!isObject(value)) return;
  for (const [key, field] of Object.entries(value)) {
    if ((key === 'Next' || key === 'Default') && typeof field === 'string') targets.add(field);
    else if (key !== 'ItemProcessor' && key !== 'Iterator') collectTargets(field, targets);
  }
}

function scopeOf(input: Json, mapItem?: { index: number; value: Json }): Scope {
  return {
    input,
    context: contextObject({
      execution: { id: 'e-1', name: 'first', input, startTimeMs: 0 },
      stateMachine: { id: 'm-1', name: 'orders' },
      state: { name: 'S', enteredTimeMs: 0 },
      ...(mapItem === undefined ? {} : { mapItem }),
    }),
    entropy: { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' },
  };
}
