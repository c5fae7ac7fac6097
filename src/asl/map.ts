import type { Json } from '../std/json.js';
import type { MapState } from './definition.js';
import { runtimeError } from './errors.js';
import { readLimit } from './limits.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';
import { fillTemplate } from './template.js';

/** The items of a Map: what ItemsPath finds in its effective input, or that input. Throws States.Runtime. */
export function mapItems(state: MapState, scope: Scope, input: Json): Json[] {
  const items = state.itemsPath === undefined ? input : lookUp(state.itemsPath, scope, input);
  if (Array.isArray(items)) return items;
  const path = state.itemsPath === undefined ? '$' : pathInMessages(state.itemsPath);
  throw runtimeError(
    items === undefined
      ? `The JSONPath '${path}' specified for the field 'ItemsPath' could not be found in the input '${JSON.stringify(input)}'`
      : `Reference path "${path}" must point to array.`,
  );
}

/**
 * The input of one iteration: the ItemSelector filled from the Map's effective input, or the item itself.
 * The scope's context already has `Map.Item.Index` and `Map.Item.Value`.
 */
export function mapItemInput(state: MapState, scope: Scope, input: Json, item: Json): Json {
  return state.itemSelector === undefined ? item : fillTemplate(state.itemSelector, scope, input);
}

/** How many iterations may run at once (0: all), and how many may fail. Throws States.Runtime. */
export function mapLimits(
  state: MapState,
  scope: Scope,
  input: Json,
): { maxConcurrency: number; toleratedFailureCount?: number; toleratedFailurePercentage?: number } {
  const maxConcurrency = readLimit(
    { name: 'MaxConcurrency', value: state.maxConcurrency, type: 'integer' },
    scope,
    input,
  );
  if (maxConcurrency < 0) throw runtimeError('MaxConcurrency cannot be negative.');
  return {
    maxConcurrency,
    ...toleratedCount(state, scope, input),
    ...toleratedPercentage(state, scope, input),
  };
}

function toleratedCount(state: MapState, scope: Scope, input: Json): { toleratedFailureCount?: number } {
  if (state.toleratedFailureCount === undefined) return {};
  const toleratedFailureCount = readLimit(
    { name: 'ToleratedFailureCount', value: state.toleratedFailureCount, type: 'integer' },
    scope,
    input,
  );
  if (toleratedFailureCount < 0) throw runtimeError('ToleratedFailureCount cannot be negative.');
  return { toleratedFailureCount };
}

function toleratedPercentage(
  state: MapState,
  scope: Scope,
  input: Json,
): { toleratedFailurePercentage?: number } {
  if (state.toleratedFailurePercentage === undefined) return {};
  const toleratedFailurePercentage = readLimit(
    { name: 'ToleratedFailurePercentage', value: state.toleratedFailurePercentage, type: 'float' },
    scope,
    input,
  );
  if (toleratedFailurePercentage < 0 || toleratedFailurePercentage > 100) {
    throw runtimeError('ToleratedFailurePercentage must be between 0 and 100.');
  }
  return { toleratedFailurePercentage };
}
