import { type Static, type TSchema, type TSchemaOptions, Type } from 'typebox';
import type { Json } from '../../std/json.js';

/** Any JSON value, kept as it is. */
export function anyJson(options: TSchemaOptions = {}) {
  return Type.Unsafe<Json>(options);
}

/** One of some texts. */
export function oneOf<const T extends string>(values: readonly T[], options: TSchemaOptions = {}) {
  return Type.Unsafe<T>({ type: 'string', enum: values, ...options });
}

/** A scalar that may be null. */
export function nullable<T extends TSchema>(schema: T, options: TSchemaOptions = {}) {
  const type = 'type' in schema ? schema.type : undefined;
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [type, 'null'], ...options });
}

/** An instant: ISO 8601 with an offset; answers are always UTC with milliseconds. */
export function instant(description: string) {
  return Type.String({ format: 'date-time', description, examples: ['2026-01-31T12:00:00.000Z'] });
}

/** An object that refuses members it does not know. */
export function strict<T extends Parameters<typeof Type.Object>[0]>(
  properties: T,
  options: TSchemaOptions = {},
) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}
