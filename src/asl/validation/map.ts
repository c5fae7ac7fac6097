import type { Json, JsonObject } from '../../std/json.js';
import { isObject } from '../../std/json.js';
import { appendPointer } from '../../std/pointer.js';
import type { QueryLanguage } from '../definition.js';
import { isExpression } from '../jsonata/syntax.js';
import { oneOf } from './checks.js';
import { type Complaints, describe } from './complaints.js';
import {
  checkExactlyOne,
  checkExclusive,
  checkFields,
  checkRequired,
  fieldOf,
  type Schema,
} from './object.js';

/** What concerns more than one field of a Map (https://states-language.net/spec.html#map-state). */
export function checkMap(
  map: JsonObject,
  pointer: string,
  complaints: Complaints,
  language: QueryLanguage,
): void {
  checkExactlyOne(map, ['ItemProcessor', 'Iterator'], pointer, complaints);
  if (language === 'JSONPath') {
    checkExclusive(map, ['ItemSelector', 'Parameters'], pointer, complaints);
    for (const field of ['MaxConcurrency', 'ToleratedFailureCount', 'ToleratedFailurePercentage']) {
      checkExclusive(map, [field, `${field}Path`], pointer, complaints);
    }
  }
  for (const field of ['ItemProcessor', 'Iterator']) {
    const config = configOf(fieldOf(map, field));
    if (config !== undefined)
      checkConfig(config, appendPointer(pointer, field, 'ProcessorConfig'), complaints);
  }
  const distributed = isDistributed(map);
  if (distributed) checkSource(map, pointer, complaints);
  else checkInline(map, pointer, complaints);
  const items = language === 'JSONata' ? fieldOf(map, 'Items') : undefined;
  if (items !== undefined && !isExpression(items) && !isList(items, distributed)) {
    complaints.schema(
      appendPointer(pointer, 'Items'),
      `Expected an array or a JSONata expression {% … %}, found ${describe(items)}.`,
    );
  }
}

/** A distributed Map takes an object as well: each of its fields is an item. */
function isList(items: Json, distributed: boolean): boolean {
  return Array.isArray(items) || (distributed && isObject(items));
}

/** The items are either read or found in the input. */
function checkSource(map: JsonObject, pointer: string, complaints: Complaints): void {
  if (!Object.hasOwn(map, 'ItemReader')) return;
  for (const field of ['ItemsPath', 'Items']) {
    if (Object.hasOwn(map, field))
      complaints.notSupported(appendPointer(pointer, field), `${field} beside an ItemReader`);
  }
}

/** Whether a Map runs its items as executions of their own; of what is neither, the fields are checked as inline. */
export function isDistributed(map: JsonObject): boolean {
  return processorMode(map) === 'DISTRIBUTED';
}

/** The type of a distributed Map's children. */
export function childType(map: JsonObject): 'STANDARD' | 'EXPRESS' {
  return configOf(processorOf(map))?.['ExecutionType'] === 'EXPRESS' ? 'EXPRESS' : 'STANDARD';
}

function processorMode(map: JsonObject): Json | undefined {
  return configOf(processorOf(map))?.['Mode'];
}

/** ProcessorConfig stands in the legacy Iterator as well. */
function processorOf(map: JsonObject): Json | undefined {
  return fieldOf(map, 'ItemProcessor') ?? fieldOf(map, 'Iterator');
}

function configOf(group: Json | undefined): JsonObject | undefined {
  const config = isObject(group) ? fieldOf(group, 'ProcessorConfig') : undefined;
  return isObject(config) ? config : undefined;
}

const CONFIG: Schema = { Mode: oneOf('INLINE', 'DISTRIBUTED'), ExecutionType: oneOf('STANDARD', 'EXPRESS') };

function checkConfig(config: JsonObject, pointer: string, complaints: Complaints): void {
  checkFields(config, CONFIG, pointer, complaints);
  if (config['Mode'] === 'DISTRIBUTED') checkRequired(config, ['ExecutionType'], pointer, complaints);
  else if (Object.hasOwn(config, 'ExecutionType')) {
    complaints.schema(
      appendPointer(pointer, 'ExecutionType'),
      "Field 'ExecutionType' is only supported with the Mode DISTRIBUTED.",
    );
  }
}

const DISTRIBUTED_FIELDS = ['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label'];

function checkInline(map: JsonObject, pointer: string, complaints: Complaints): void {
  for (const field of DISTRIBUTED_FIELDS) {
    if (!Object.hasOwn(map, field)) continue;
    complaints.schema(
      appendPointer(pointer, field),
      `Field '${field}' is only supported in a distributed Map, with the Mode DISTRIBUTED in its ProcessorConfig.`,
    );
  }
}
