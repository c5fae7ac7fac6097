import type { Json } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import { fillIn } from './dataflow.js';
import type { Limit, MapState } from './definition.js';
import { runtimeError } from './errors.js';
import { fillJsonata } from './jsonata/template.js';
import { unexpectedType } from './jsonata/value.js';
import { readLimit } from './limits.js';
import { QueryError } from './query-error.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';

/**
 * The items of a Map: what Items or ItemsPath give, or its effective input. Throws States.Runtime or
 * States.QueryEvaluationError.
 */
export function mapItems(state: MapState, scope: Scope, input: Json): Maybe<Json[]> {
  return state.language === 'JSONata' ? itemsOf(state, scope) : itemsAt(state, scope, input);
}

function itemsOf(state: MapState, scope: Scope): Maybe<Json[]> {
  const { items } = state;
  if (items === undefined) {
    if (Array.isArray(scope.input)) return scope.input;
    throw new QueryError(`Map state input must be an array but was: ${JSON.stringify(scope.input)}`);
  }
  return after(fillJsonata(items, scope, {}), (found) => {
    if (Array.isArray(found)) return found;
    if (items.kind === 'expression') throw unexpectedType(items, 'array', found);
    throw new QueryError(`Items must be an array but was: ${JSON.stringify(found)}`, 'Items');
  });
}

function itemsAt(state: MapState, scope: Scope, input: Json): Json[] {
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
export function mapItemInput(state: MapState, scope: Scope, input: Json, item: Json): Maybe<Json> {
  return state.itemSelector === undefined ? item : fillIn(state.itemSelector, scope, input, {});
}

export interface MapLimits {
  /** 0: all at once. */
  maxConcurrency: number;
  toleratedFailureCount?: number;
  toleratedFailurePercentage?: number;
}

/** How many iterations may run at once, and how many may fail. Throws as the fields' language does. */
export function mapLimits(state: MapState, scope: Scope, input: Json): Maybe<MapLimits> {
  const read = (name: string, value: Limit, type: 'integer' | 'float', refuse: Refuse): Maybe<number> =>
    readLimit({ name, value, type, refuse }, scope, input);
  const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = state;
  // One after another: what is asked for while another fails would fail unheard.
  return after(
    read('MaxConcurrency', state.maxConcurrency, 'integer', unlessNegative('MaxConcurrency')),
    (maxConcurrency) =>
      after(
        count && read('ToleratedFailureCount', count, 'integer', unlessNegative('ToleratedFailureCount')),
        (toleratedFailureCount) =>
          after(
            percentage && read('ToleratedFailurePercentage', percentage, 'float', unlessPercentage),
            (toleratedFailurePercentage) => ({
              maxConcurrency,
              ...(toleratedFailureCount !== undefined && { toleratedFailureCount }),
              ...(toleratedFailurePercentage !== undefined && { toleratedFailurePercentage }),
            }),
          ),
      ),
  );
}

function unlessNegative(name: string): Refuse {
  return (value) => (value < 0 ? `${name} cannot be negative.` : undefined);
}

function unlessPercentage(value: number): string | undefined {
  return value < 0 || value > 100 ? 'ToleratedFailurePercentage must be between 0 and 100.' : undefined;
}

type Refuse = (value: number) => string | undefined;
