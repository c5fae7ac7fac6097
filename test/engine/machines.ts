/** Small definitions that several tests share. */
import type { JsonObject } from '../../src/std/json.js';

/** A machine of these states that starts with the first. */
export function machineOf(states: JsonObject, more: JsonObject = {}): JsonObject {
  return { StartAt: Object.keys(states)[0] ?? '', States: states, ...more };
}

export function task(name: string, more: JsonObject = {}): JsonObject {
  return { Type: 'Task', Resource: name, ...(more['Next'] === undefined && { End: true }), ...more };
}

export function inlineMap(states: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    Type: 'Map',
    ItemProcessor: machineOf(states),
    ...(more['Next'] === undefined && { End: true }),
    ...more,
  };
}

export function distributedMap(states: JsonObject, more: JsonObject = {}): JsonObject {
  const ProcessorConfig = { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' };
  const map = inlineMap(states, more);
  return { ...map, ItemProcessor: { ...machineOf(states), ProcessorConfig } };
}

export function parallel(branches: JsonObject[], more: JsonObject = {}): JsonObject {
  const machines = branches.map((states) => machineOf(states));
  return { Type: 'Parallel', Branches: machines, ...(more['Next'] === undefined && { End: true }), ...more };
}

/** Fails after a second, so that its siblings are under way by then. */
export const FAILING: JsonObject = {
  Pause: { Type: 'Wait', Seconds: 1, Next: 'Boom' },
  Boom: { Type: 'Fail', Error: 'Boom', Cause: 'a sibling failed' },
};
