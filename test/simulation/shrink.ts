/** Makes a scenario that fails as small as it goes: whatever can be left out, without the failure being gone, is. */
import type { JsonObject } from '../../src/std/json.js';
import { isObject } from '../../src/std/json.js';
import type { Scenario } from './scenario.js';

/** Runs that it may take. */
const TRIES = 300;

/** `fails` says whether a scenario still goes wrong. */
export async function shrink(
  scenario: Scenario,
  fails: (smaller: Scenario) => Promise<boolean>,
): Promise<Scenario> {
  let smallest = scenario;
  let tries = 0;
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const candidate of smallerThan(smallest)) {
      if (++tries > TRIES) return smallest;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      smaller = true;
      break;
    }
  }
  return smallest;
}

/** With one thing less, the largest things first. */
function* smallerThan(scenario: Scenario): Generator<Scenario> {
  for (const root of without(scenario.roots)) {
    if (root.length === 0) continue;
    const names = new Set(root.map(({ name }) => name));
    const messages = scenario.messages.filter((one) => names.has(one.root));
    const acts = scenario.acts.filter((one) => names.has(one.root));
    yield { ...scenario, roots: root, messages, acts };
  }
  for (const faults of without(scenario.faults)) yield { ...scenario, faults };
  for (const acts of without(scenario.acts)) yield { ...scenario, acts };
  if (scenario.workers > 1) yield { ...scenario, workers: scenario.workers - 1 };
  for (const [machine, definition] of Object.entries(scenario.machines)) {
    for (const smaller of smallerGroups(definition))
      yield { ...scenario, machines: { ...scenario.machines, [machine]: smaller } };
  }
  for (const machine of Object.keys(scenario.machines)) {
    const { [machine]: _, ...machines } = scenario.machines;
    if (!JSON.stringify({ machines, roots: scenario.roots }).includes(machine))
      yield { ...scenario, machines };
  }
}

function* without<T>(all: readonly T[]): Generator<T[]> {
  for (let n = all.length - 1; n >= 0; n--) yield all.filter((_, at) => at !== n);
}

/** A machine, branch or item processor with one state less: those that led to it lead to what follows it. */
function* smallerGroups(group: JsonObject): Generator<JsonObject> {
  const states = isObject(group['States']) ? group['States'] : {};
  for (const [name, state] of Object.entries(states)) {
    if (!isObject(state)) continue;
    const next = state['Next'];
    if (typeof next === 'string') {
      const { [name]: _, ...others } = states;
      const startAt = group['StartAt'] === name ? next : group['StartAt'];
      const text = JSON.stringify(others).replaceAll(`:"${name}"`, `:"${next}"`);
      yield { ...group, StartAt: startAt ?? next, States: JSON.parse(text) as JsonObject };
    }
    for (const field of ['Retry', 'Catch', 'TimeoutSeconds', 'HeartbeatSeconds', 'MaxConcurrency']) {
      if (!(field in state)) continue;
      const { [field]: _, ...simpler } = state;
      yield { ...group, States: { ...states, [name]: simpler } };
    }
    const processor = state['ItemProcessor'];
    if (isObject(processor))
      for (const smaller of smallerGroups(processor))
        yield { ...group, States: { ...states, [name]: { ...state, ItemProcessor: smaller } } };
    const branches = state['Branches'];
    if (!Array.isArray(branches)) continue;
    for (const [n, branch] of branches.entries()) {
      if (!isObject(branch)) continue;
      for (const smaller of smallerGroups(branch)) {
        const changed = branches.map((one, at) => (at === n ? smaller : one));
        yield { ...group, States: { ...states, [name]: { ...state, Branches: changed } } };
      }
    }
  }
}
