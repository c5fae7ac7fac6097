import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import Format from 'typebox/format';
import { Settings } from 'typebox/system';
import { type ErrorDetail, OperationError } from '../operations/index.js';
import { isObject, type Json } from '../std/json.js';
import { parseTimestamp } from '../std/timestamp.js';
import { expectationOf, findingOf, type SchemaNode } from './expectation.js';
import { escapeToken, textComplaint } from './json.js';

/**
 * The most complaints about one request. Enough for whoever fixes a request by hand; a body of a million
 * wrong members costs no more than one of a hundred.
 */
export const MAX_COMPLAINTS = 100;

Settings.Set({ maxErrors: MAX_COMPLAINTS });

// The format of TypeBox lets leap seconds and the year 0 pass, which neither Date nor PostgreSQL has; and Date
// takes the 31st of February for the 2nd of March.
Format.Set('date-time', (text) => {
  const ms = parseTimestamp(text.replace(NO_SECONDS, '$1:00$2'))?.ms ?? Number.NaN;
  return ms >= 0 && ms <= END_OF_YEAR_9999;
});

const NO_SECONDS = /^(.{10}T\d\d:\d\d)(Z|[+-])/;
const END_OF_YEAR_9999 = 253_402_300_799_999;

/**
 * Validates a part of a request against its TypeBox schema. All complaints come at once, each with a JSON
 * Pointer into that part and a sentence that says what was found and what was expected.
 * Path and query are text, so what stands there is read as the schema's type first.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const node = nodeOf(schema);
  const part = PARTS[httpPart ?? 'body'] ?? PARTS.body;
  const isText = httpPart === 'querystring' || httpPart === 'params';
  return (raw: unknown) => {
    const texts = isText && isObject(raw) ? unfitTexts(raw, part) : [];
    if (texts.length > 0) return { error: refuse(part, texts) };
    const value = isText && isObject(raw) ? readTexts(raw, node) : raw;
    if (validator.Check(value)) return { value };
    const json = thin(asJson(value), node);
    return { error: refuse(part, complaintsOf(validator.Errors(json), json, node, part)) };
  };
};

interface Part {
  whole: string;
  member: string;
}

const PARTS: Record<string, Part> & { body: Part } = {
  body: { whole: 'The body', member: 'field' },
  querystring: { whole: 'The query', member: 'query parameter' },
  params: { whole: 'The path', member: 'path parameter' },
};

function refuse(part: Part, details: ErrorDetail[]): OperationError {
  const [first] = details;
  const rest = details.length > 1 ? ` (and ${details.length - 1} more in details)` : '';
  return new OperationError('VALIDATION_FAILED', `${part.whole} is not valid: ${first?.message}${rest}`, {
    details,
  });
}

/** A query's or path's texts that cannot be stored, so cannot be looked for. */
function unfitTexts(raw: Record<string, unknown>, part: Part): ErrorDetail[] {
  return Object.entries(raw).flatMap(([key, value]) => {
    const found = [key, ...(Array.isArray(value) ? value : [value])]
      .map((text) => (typeof text === 'string' ? textComplaint(text) : undefined))
      .find((complaint) => complaint !== undefined);
    if (found === undefined) return [];
    const message = `The ${part.member} ${JSON.stringify(key)} has ${found}.`;
    return [{ pointer: `/${escapeToken(key)}`, code: 'TEXT', message }];
  });
}

/** Numbers and booleans of a query, where the schema has them and the text is one without doubt. */
function readTexts(raw: Record<string, unknown>, node: SchemaNode): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => {
      const type = member(node, key)?.type;
      if (typeof value !== 'string') return [key, value];
      if (type === 'integer' && /^-?\d{1,15}$/.test(value)) return [key, Number(value)];
      if (type === 'boolean' && (value === 'true' || value === 'false')) return [key, value === 'true'];
      return [key, value];
    }),
  );
}

interface Finding {
  keyword: string;
  instancePath: string;
  params: object;
}

function complaintsOf(
  findings: readonly Finding[],
  root: Json | undefined,
  schema: SchemaNode,
  part: Part,
): ErrorDetail[] {
  const complaints = new Map<string, ErrorDetail>();
  for (const { keyword, instancePath, params } of findings) {
    const { value, node } = locate(root, schema, instancePath);
    if (keyword === 'additionalProperties') continue; // said already, by name, of each of them
    if (keyword === 'boolean') {
      const cut = instancePath.lastIndexOf('/');
      const known = Object.keys(locate(root, schema, instancePath.slice(0, cut)).node?.properties ?? {});
      const name = unescapeToken(instancePath.slice(cut + 1));
      const others = known.length === 0 ? 'none is known here' : `known are ${known.join(', ')}`;
      add(instancePath, 'UNKNOWN', `There is no ${part.member} ${quote(name)}; ${others}.`);
    } else if (keyword === 'required') {
      const names = 'requiredProperties' in params ? textsOf(params.requiredProperties) : [];
      for (const name of names) {
        const expected = expectationOf(node === undefined ? undefined : member(node, name));
        add(
          `${instancePath}/${escapeToken(name)}`,
          'REQUIRED',
          `The ${part.member} ${quote(name)} is missing; expected ${expected}.`,
        );
      }
    } else {
      const subject = instancePath === '' ? part.whole : `The ${part.member} ${quote(instancePath.slice(1))}`;
      add(
        instancePath,
        CODES[keyword] ?? 'VALUE',
        // What is secret is not told, not even to who sent it: an answer may end up in a log.
        `${subject} is ${node?.writeOnly === true ? 'something else' : findingOf(value)}; expected ${expectationOf(node)}.`,
      );
    }
  }
  return [...complaints.values()].slice(0, MAX_COMPLAINTS);

  /** One complaint a place: what an anyOf says about each of its branches is one sentence to the reader. */
  function add(pointer: string, code: string, message: string): void {
    if (!complaints.has(pointer)) complaints.set(pointer, { pointer, code, message });
  }
}

/** The codes of details; what is not here is VALUE: of the right type, but not one of the right ones. */
const CODES: Readonly<Record<string, string>> = { type: 'TYPE', anyOf: 'TYPE' };

function locate(
  root: Json | undefined,
  schema: SchemaNode,
  pointer: string,
): { value: Json | undefined; node: SchemaNode | undefined } {
  let value = root;
  let node: SchemaNode | undefined = schema;
  for (const token of pointer.split('/').slice(1)) {
    const key = unescapeToken(token);
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : at(value, key);
    node = node === undefined ? undefined : (member(node, key) ?? node.items);
  }
  return { value, node };
}

/** Without the unknown members that nobody will complain of, since there are too many of them. */
function thin(value: Json | undefined, node: SchemaNode | undefined): Json | undefined {
  if (!isObject(value) || node?.properties === undefined) return value;
  const names = Object.keys(value);
  const known = names.filter((name) => member(node, name) !== undefined);
  const unknown = names.filter((name) => member(node, name) === undefined).slice(0, MAX_COMPLAINTS);
  return Object.fromEntries(
    [...known, ...unknown].map((name) => [name, thin(value[name], member(node, name)) ?? null]),
  );
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function at(value: Json | undefined, key: string): Json | undefined {
  return Array.isArray(value) ? value[Number(key)] : undefined;
}

function member(node: SchemaNode, key: string): SchemaNode | undefined {
  const { properties } = node;
  return properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

function quote(name: string): string {
  return findingOf(name).replaceAll('"', "'");
}

/** TypeBox types are JSON Schema at run time; this is the one place that says so. */
function nodeOf(schema: TSchema): SchemaNode {
  return schema as SchemaNode;
}

/** A parsed request part is JSON by construction (parseJson, or the texts of a query). */
function asJson(value: unknown): Json | undefined {
  return value as Json | undefined;
}
