import { isObject, type Json } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import { fillIn } from './dataflow.js';
import type { Limit, MapState } from './definition.js';
import { runtimeError } from './errors.js';
import { fillJsonata } from './jsonata/template.js';
import { unexpectedType } from './jsonata/value.js';
import { type LimitField, readLimit } from './limits.js';
import { QueryError } from './query-error.js';
import { lookUp, pathInMessages } from './resolve.js';
import type { Scope } from './scope.js';

/**
 * The items of a Map: what Items or ItemsPath give, or its effective input. A distributed Map also takes an object:
 * its fields are the items, as `{Key, Value}`. Throws States.Runtime or States.QueryEvaluationError.
 */
export function mapItems(state: MapState, scope: Scope, input: Json): Maybe<Json[]> {
  return state.language === 'JSONata' ? itemsOf(state, scope) : itemsAt(state, scope, input);
}

function itemsOf(state: MapState, scope: Scope): Maybe<Json[]> {
  const { items } = state;
  if (items === undefined) {
    const list = listOf(state, scope.input);
    if (list !== undefined) return list;
    throw new QueryError(`Map state input must be an array but was: ${JSON.stringify(scope.input)}`);
  }
  return after(fillJsonata(items, scope, {}), (found) => {
    const list = listOf(state, found);
    if (list !== undefined) return list;
    if (items.kind === 'expression') throw unexpectedType(items, 'array', found);
    throw new QueryError(`Items must be an array but was: ${JSON.stringify(found)}`, 'Items');
  });
}

function itemsAt(state: MapState, scope: Scope, input: Json): Json[] {
  const items = state.itemsPath === undefined ? input : lookUp(state.itemsPath, scope, input);
  const list = items === undefined ? undefined : listOf(state, items);
  if (list !== undefined) return list;
  const path = state.itemsPath === undefined ? '$' : pathInMessages(state.itemsPath);
  throw runtimeError(
    items === undefined
      ? `The JSONPath '${path}' specified for the field 'ItemsPath' could not be found in the input '${JSON.stringify(input)}'`
      : `Reference path "${path}" must point to array.`,
  );
}

function listOf({ distributed }: MapState, value: Json): Json[] | undefined {
  if (Array.isArray(value)) return value;
  if (distributed === undefined || !isObject(value)) return undefined;
  return Object.entries(value).map(([Key, Value]) => ({ Key, Value }));
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
  // One after another: what is asked for while another fails would fail unheard.
  return after(mapConcurrency(state, scope, input), (maxConcurrency) =>
    after(toleratedFailures(state, scope, input), (tolerated) => ({ maxConcurrency, ...tolerated })),
  );
}

/** How many iterations may run at once; 0: all. Throws States.Runtime or States.QueryEvaluationError. */
export function mapConcurrency(state: MapState, scope: Scope, input: Json): Maybe<number> {
  const name = 'MaxConcurrency';
  return readLimit(
    { name, value: state.maxConcurrency, type: 'integer', refuse: unlessNegative(name) },
    scope,
    input,
  );
}

/** How many items, or how many of a hundred, may fail without failing the Map; absent where no limit is given. */
export type Tolerated = Omit<MapLimits, 'maxConcurrency'>;

/** What a Map tolerates. Throws States.Runtime or States.QueryEvaluationError. */
export function toleratedFailures(state: MapState, scope: Scope, input: Json): Maybe<Tolerated> {
  const read = (
    name: string,
    value: Limit | undefined,
    type: LimitField['type'],
    refuse: LimitField['refuse'],
  ) => (value === undefined ? undefined : readLimit({ name, value, type, refuse }, scope, input));
  const [countName, percentageName] = ['ToleratedFailureCount', 'ToleratedFailurePercentage'];
  return after(
    read(countName, state.toleratedFailureCount, 'integer', unlessNegative(countName)),
    (toleratedFailureCount) =>
      after(
        read(percentageName, state.toleratedFailurePercentage, 'float', unlessPercentage),
        (toleratedFailurePercentage) => ({
          ...(toleratedFailureCount !== undefined && { toleratedFailureCount }),
          ...(toleratedFailurePercentage !== undefined && { toleratedFailurePercentage }),
        }),
      ),
  );
}

function unlessNegative(name: string): LimitField['refuse'] {
  return (value) => (value < 0 ? `${name} cannot be negative.` : undefined);
}

function unlessPercentage(value: number): string | undefined {
  return value < 0 || value > 100 ? 'ToleratedFailurePercentage must be between 0 and 100.' : undefined;
}
