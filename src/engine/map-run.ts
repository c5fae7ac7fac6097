/**
 * What a distributed Map's children are: executions of its processor, each with an input made from an item, or
 * from a batch of items (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html).
 */
import { type Entropy, type Machine, type MapState, mapItemInput, type Scope } from '../asl/index.js';
import type { Json } from '../std/json.js';
import type { MapRunRequest } from './effects.js';
import { MAX_PAYLOAD_BYTES } from './payload.js';

/** The Map state with the label, wherever in the machine it is. */
export function distributedMapOf(machine: Machine, label: string): MapState | undefined {
  let maps = known.get(machine);
  if (maps === undefined) {
    maps = new Map();
    collect(machine, maps);
    known.set(machine, maps);
  }
  return maps.get(label);
}

/** The machine that a map run's children run; undefined: there is no distributed Map with the label. */
export function processorMachine(machine: Machine, label: string): Machine | undefined {
  const state = distributedMapOf(machine, label);
  if (state?.distributed === undefined) return undefined;
  let processor = processors.get(state);
  if (processor === undefined) {
    const express = state.distributed.executionType === 'EXPRESS';
    processor = {
      ...state.itemProcessor,
      comment: undefined,
      timeoutSeconds: express ? EXPRESS_SECONDS : undefined,
      source: machine.source,
    };
    processors.set(state, processor);
  }
  return processor;
}

/** How long an Express execution may take (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). */
export const EXPRESS_SECONDS = 5 * 60;

/** An item, and what `$$.Map.Item` says of it beside its index and value. */
export interface MapRunItem {
  value: Json;
  /** The field's name, where the fields of an object are iterated over. */
  key?: string;
  /** `STATE_DATA`, or the URI of the object that it was read from. */
  source: string;
}

/** The inputs of the children of a Map that has its items itself: see `childInputsFrom`. */
export function childInputs(
  machine: Machine,
  request: MapRunRequest,
  items: Iterable<Json>,
  env: { nowMs: number; entropy: Entropy },
): AsyncGenerator<Json, void, undefined> {
  return childInputsFrom(machine, request, ownItems(items), env);
}

function* ownItems(items: Iterable<Json>): Generator<MapRunItem> {
  for (const value of items) yield { value, source: 'STATE_DATA' };
}

/**
 * The inputs of a map run's children, in the order of the items: what ItemSelector makes of each, in batches
 * where the Map has an ItemBatcher. Holds one batch and no more.
 * @param items what was read, or the Map's own; not more than wanted.
 * @throws StatesError when the ItemSelector fails for an item; whatever the iteration throws.
 */
export async function* childInputsFrom(
  machine: Machine,
  request: MapRunRequest,
  items: AsyncIterable<MapRunItem> | Iterable<MapRunItem>,
  env: { nowMs: number; entropy: Entropy },
): AsyncGenerator<Json, void, undefined> {
  const state = distributedMapOf(machine, request.label);
  if (state === undefined) throw new Error(`the machine has no distributed Map '${request.label}'`);
  const { batcher } = request.plan;
  if (batcher === undefined) {
    yield* selected(state, request, items, env);
    return;
  }
  const bytesAtMost = batcher.maxBytes ?? MAX_PAYLOAD_BYTES;
  const itemsAtMost = batcher.maxItems ?? Number.POSITIVE_INFINITY;
  const around = batcher.input === undefined ? {} : { BatchInput: batcher.input };
  const emptyBytes = bytesOf({ ...around, Items: [] });
  let batch: Json[] = [];
  let bytes = emptyBytes;
  for await (const input of selected(state, request, items, env)) {
    const more = bytesOf(input) + 1;
    if (batch.length > 0 && (batch.length >= itemsAtMost || bytes + more > bytesAtMost)) {
      yield { ...around, Items: batch };
      batch = [];
      bytes = emptyBytes;
    }
    batch.push(input);
    bytes += more;
  }
  if (batch.length > 0) yield { ...around, Items: batch };
}

async function* selected(
  state: MapState,
  { scope }: MapRunRequest,
  items: AsyncIterable<MapRunItem> | Iterable<MapRunItem>,
  { nowMs, entropy }: { nowMs: number; entropy: Entropy },
): AsyncGenerator<Json, void, undefined> {
  let index = 0;
  for await (const { value, key, source } of items) {
    const item = { Index: index, ...(key !== undefined && { Key: key }), Value: value, Source: source };
    const own: Scope = {
      input: scope.input,
      context: { ...scope.context, Map: { Item: item } },
      variables: scope.variables,
      nowMs,
      entropy,
    };
    const effective = scope.effectiveInput === undefined ? scope.input : scope.effectiveInput;
    yield await mapItemInput(state, own, effective, value);
    index += 1;
  }
}

const known = new WeakMap<Machine, Map<string, MapState>>();
const processors = new WeakMap<MapState, Machine>();

function collect(group: Pick<Machine, 'states'>, maps: Map<string, MapState>): void {
  for (const state of group.states.values()) {
    if (state.type === 'Parallel') for (const branch of state.branches) collect(branch, maps);
    if (state.type !== 'Map') continue;
    if (state.distributed !== undefined) maps.set(state.distributed.label, state);
    collect(state.itemProcessor, maps);
  }
}

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
