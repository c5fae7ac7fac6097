import { isObject, type Json, type JsonObject } from '../std/json.js';
import { after, type Maybe } from '../std/maybe.js';
import { fillIn } from './dataflow.js';
import type { DistributedMap, Limit, MapState, Template } from './definition.js';
import { runtimeError } from './errors.js';
import { unexpectedType } from './jsonata/value.js';
import { readLimit } from './limits.js';
import { QueryError } from './query-error.js';
import type { Scope } from './scope.js';

/** What ItemReader, ItemBatcher and ResultWriter of a distributed Map say, evaluated. */
export interface DistributedPlan {
  reader?: { resource: string; parameters: JsonObject; config: JsonObject; maxItems?: number };
  batcher?: { maxItems?: number; maxBytes?: number; input?: Json };
  writer?: { resource?: string; parameters: JsonObject; config: JsonObject };
}

/** AWS reads no more items than this, whatever MaxItems says. */
export const MAX_ITEMS = 100_000_000;

/** The most bytes that the input of one child execution may have: AWS's payload limit. */
export const MAX_BATCH_BYTES = 262_144;

/**
 * What a distributed Map reads, batches and writes. `input` is its effective input. Throws States.Runtime or
 * States.QueryEvaluationError when a field's path or expression gives nothing, or nothing that will do
 * (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html).
 */
export function distributedPlan(
  state: MapState,
  distributed: DistributedMap,
  scope: Scope,
  input: Json,
): Maybe<DistributedPlan> {
  const evaluator: Evaluator = { language: state.language, scope, input };
  // One after another: what is asked for while another fails would fail unheard.
  return after(readerOf(distributed, evaluator), (reader) =>
    after(batcherOf(distributed, evaluator), (batcher) =>
      after(writerOf(distributed, evaluator), (writer) => ({
        ...(reader && { reader }),
        ...(batcher && { batcher }),
        ...(writer && { writer }),
      })),
    ),
  );
}

interface Evaluator {
  language: MapState['language'];
  scope: Scope;
  input: Json;
}

function readerOf({ itemReader }: DistributedMap, evaluator: Evaluator): Maybe<DistributedPlan['reader']> {
  if (itemReader === undefined) return undefined;
  const { resource } = itemReader;
  return after(objectIn(evaluator, itemReader.parameters, 'ItemReader'), (parameters) =>
    after(objectIn(evaluator, itemReader.config, 'ItemReader/ReaderConfig'), (config) =>
      after(atMost(evaluator, 'MaxItems', itemReader.maxItems, MAX_ITEMS), (maxItems) => ({
        resource,
        parameters,
        config,
        ...(maxItems !== undefined && { maxItems }),
      })),
    ),
  );
}

function batcherOf({ itemBatcher }: DistributedMap, evaluator: Evaluator): Maybe<DistributedPlan['batcher']> {
  if (itemBatcher === undefined) return undefined;
  const { maxItemsPerBatch, maxInputBytesPerBatch, batchInput } = itemBatcher;
  const { scope, input } = evaluator;
  return after(atMost(evaluator, 'MaxItemsPerBatch', maxItemsPerBatch, MAX_ITEMS), (maxItems) =>
    after(atMost(evaluator, 'MaxInputBytesPerBatch', maxInputBytesPerBatch, MAX_BATCH_BYTES), (maxBytes) =>
      after(batchInput && fillIn(batchInput, scope, input, {}), (filled) => ({
        ...(maxItems !== undefined && { maxItems }),
        ...(maxBytes !== undefined && { maxBytes }),
        ...(filled !== undefined && { input: filled }),
      })),
    ),
  );
}

function writerOf({ resultWriter }: DistributedMap, evaluator: Evaluator): Maybe<DistributedPlan['writer']> {
  if (resultWriter === undefined) return undefined;
  const { resource } = resultWriter;
  return after(objectIn(evaluator, resultWriter.parameters, 'ResultWriter'), (parameters) =>
    after(objectIn(evaluator, resultWriter.config, 'ResultWriter/WriterConfig'), (config) => ({
      ...(resource !== undefined && { resource }),
      parameters,
      config,
    })),
  );
}

/** The object that a template gives; `{}` without one. Only a template that is one expression can give another value. */
function objectIn(
  { scope, input }: Evaluator,
  template: Template | undefined,
  location: string,
): Maybe<JsonObject> {
  if (template === undefined) return {};
  return after(fillIn(template, scope, input, {}), (filled) => {
    if (isObject(filled)) return filled;
    if (template.language === 'JSONata' && template.template.kind === 'expression') {
      throw unexpectedType(template.template, 'object', filled);
    }
    throw complaint(template.language, `Expected an object, but was: ${JSON.stringify(filled)}`, location);
  });
}

/** A limit that AWS takes from 0, which sets none. */
function atMost(
  { scope, input }: Evaluator,
  name: string,
  value: Limit | undefined,
  most: number,
): Maybe<number | undefined> {
  if (value === undefined) return undefined;
  const refuse = (found: number): string | undefined => {
    if (found < 0) return `${name} cannot be negative.`;
    return found > most ? `${name} cannot be greater than ${most}, but was ${found}.` : undefined;
  };
  return after(readLimit({ name, value, type: 'integer', refuse }, scope, input), (found) =>
    found === 0 ? undefined : found,
  );
}

function complaint(language: MapState['language'], cause: string, location: string): Error {
  return language === 'JSONata' ? new QueryError(cause, location) : runtimeError(cause);
}
