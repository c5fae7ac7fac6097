import type { Json } from '../std/json.js';

/** The part of JSON Schema that our schemas use, as far as a sentence about it needs. */
export interface SchemaNode {
  type?: string | readonly string[];
  format?: string;
  enum?: readonly unknown[];
  anyOf?: readonly SchemaNode[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  pattern?: string;
  properties?: Readonly<Record<string, SchemaNode>>;
  items?: SchemaNode;
  /** It is a secret: what was sent is not repeated. */
  writeOnly?: boolean;
}

/** What a schema expects, to end a sentence with: "a whole number from 1 to 1000". */
export function expectationOf(schema: SchemaNode | undefined): string {
  if (schema === undefined) return 'nothing';
  if (schema.enum !== undefined) return listed(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.anyOf !== undefined) return listed(schema.anyOf.map(expectationOf));
  if (Array.isArray(schema.type)) {
    return listed(schema.type.map((type: string) => expectationOf({ ...schema, type })));
  }
  switch (schema.type) {
    case 'integer':
      return `a whole number${range(schema.minimum, schema.maximum, '')}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      if (schema.format === 'date-time') return 'a time such as 2026-01-31T12:00:00Z, from 1970 to 9999';
      if (schema.pattern !== undefined) return `text that matches ${schema.pattern}`;
      return `text${range(schema.minLength, schema.maxLength, ' characters')}`;
    case 'array':
      return `a list${range(schema.minItems, schema.maxItems, ' items')}`;
    case 'object':
      return schema.minProperties === 1 && schema.properties !== undefined
        ? `an object with at least one of ${Object.keys(schema.properties).join(', ')}`
        : 'an object';
    case 'null':
      return 'null';
    default:
      return 'any JSON value';
  }
}

function range(min: number | undefined, max: number | undefined, unit: string): string {
  if (min !== undefined && max !== undefined) {
    return unit === '' ? ` from ${min} to ${max}` : ` of ${min} to ${max}${unit}`;
  }
  if (min !== undefined) return unit === '' ? ` of at least ${min}` : ` of at least ${min}${unit}`;
  if (max !== undefined) return unit === '' ? ` of at most ${max}` : ` of at most ${max}${unit}`;
  return '';
}

function listed(choices: readonly string[]): string {
  const last = choices.at(-1) ?? 'nothing';
  return choices.length < 2 ? last : `${choices.slice(0, -1).join(', ')} or ${last}`;
}

/** What was found, short enough for a sentence. */
export function findingOf(value: Json | undefined): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === 'object')
    return Object.keys(value).length === 0 ? 'an empty object' : 'an object';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}…` : value);
}

const LONGEST_QUOTE = 60;
