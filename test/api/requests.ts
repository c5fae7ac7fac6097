import fc from 'fast-check';
import type { ApiDocument, Operation, Schema } from './document.js';

/** A request as it goes over the wire. */
export interface WireRequest {
  method: string;
  /** Path and query, encoded. */
  target: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** The operation's id, unless the request was bent away from it. */
  operationId: string | undefined;
}

/** Ids that lead somewhere, by the name of the path parameter. */
export type KnownIds = Readonly<Record<string, readonly string[]>>;

/**
 * Requests for every operation of the document: right ones, nearly right ones, and ones that only somebody who
 * means harm would send.
 */
export function requests(document: ApiDocument, known: KnownIds): fc.Arbitrary<WireRequest> {
  return fc.oneof(...document.operations.map((operation) => requestsFor(document, operation, known)));
}

function requestsFor(
  document: ApiDocument,
  operation: Operation,
  known: KnownIds,
): fc.Arbitrary<WireRequest> {
  const ids = operation.parameters.filter((one) => one.in === 'path');
  const path = fc
    .tuple(...ids.map(({ name }) => segment(known[name] ?? [])))
    .map((values) =>
      ids.reduce((text, { name }, i) => text.replace(`{${name}}`, () => values[i] ?? ''), operation.path),
    );
  const parts = { path, query: query(operation), ...bodies(document, operation) };
  return fc.oneof(
    { weight: 8, arbitrary: fc.record(parts).map((made) => wire(operation, operation.method, made)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          fc.record(parts),
          fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'SEARCH'),
        )
        .map(([made, method]) => ({ ...wire(operation, method, made), operationId: undefined })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.record(parts), fc.constantFrom(...BENT_TARGETS)).map(([made, bent]) => ({
        ...wire(operation, operation.method, { ...made, path: bent(made.path) }),
        operationId: undefined,
      })),
    },
  );
}

interface Made {
  path: string;
  query: string;
  content: { type: string | undefined; body: string | undefined };
  extra: Record<string, string>;
}

function wire(operation: Operation, method: string, { path, query, content, extra }: Made): WireRequest {
  const { body, type } = content;
  const headers: Record<string, string> = { ...extra };
  if (type !== undefined) headers['content-type'] = type;
  if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
  return { method, target: `${path}${query}`, headers, body, operationId: operation.operationId };
}

const BENT_TARGETS: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => `${path}//x`,
  (path) => `/${path}`,
  (path) => path.toUpperCase(),
  (path) => `${path}%`,
  (path) => `${path}%ff`,
  (path) => `${path}/../..`,
  (path) => `${path};a=b`,
  () => '*',
  () => '/docs/static/..%2f..%2fpackage.json',
  () => '/docs/static/%2e%2e/%2e%2e/package.json',
  () => '/docs/x',
];

/** Text that breaks what was not made for it. */
const nasty = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '😀',
    'ä',
    '../..',
    "';--",
    '%',
    '__proto__',
    'constructor',
    'null',
    '-1',
    '1e999',
    '\u202e',
    '\r\nX: y',
    '00000000-0000-0000-0000-000000000000',
    'x'.repeat(5_000),
  ),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.uuid(),
);

function segment(ids: readonly string[]): fc.Arbitrary<string> {
  const odd = fc.oneof(
    nasty.map(encode),
    fc.constantFrom('%00', '%ff', '%zz', '%', '.', '..', '%2f', 'x'.repeat(7_000)),
  );
  return ids.length === 0
    ? odd
    : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ids) }, { weight: 1, arbitrary: odd });
}

function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '?'));
}

function query(operation: Operation): fc.Arbitrary<string> {
  const declared = operation.parameters
    .filter((one) => one.in === 'query')
    .map(({ name, schema }) =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constant<string[]>([]) },
        { weight: 2, arbitrary: queryText(name, schema).map((text) => [`${name}=${encode(text)}`]) },
        { weight: 1, arbitrary: nasty.map((text) => [`${name}=${encode(text)}`]) },
      ),
    );
  const odd = fc.constantFrom<string[]>(
    [],
    [],
    [],
    [],
    [],
    [],
    ['x=1'],
    ['__proto__=1'],
    ['limit=1', 'limit=2'],
    ['%ff=1'],
    ['a=%'],
    ['&&=='],
  );
  return fc.tuple(odd, ...declared).map((parts) => {
    const pairs = parts.flat();
    return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  });
}

function queryText(name: string, schema: Schema): fc.Arbitrary<string> {
  // Nobody works here, so whoever waits, waits in vain.
  if (name === 'wait') return fc.constant('0');
  return fitting(schema, (inner) => inner).map((value) =>
    typeof value === 'string' ? value : JSON.stringify(value),
  );
}

function bodies(
  document: ApiDocument,
  operation: Operation,
): { content: fc.Arbitrary<Made['content']>; extra: fc.Arbitrary<Record<string, string>> } {
  const extra = fc.constantFrom<Record<string, string>>(
    {},
    {},
    {},
    {},
    {},
    {},
    { 'content-encoding': 'gzip' },
    { 'x-request-id': 'odd id' },
    { authorization: 'Bearer nobody' },
    { expect: '100-continue' },
    { accept: 'text/html' },
    // Where this one ends nobody can say, so nothing can follow it.
    { 'transfer-encoding': 'identity', connection: 'close' },
  );
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined) {
    const none = { type: undefined, body: undefined };
    return {
      content: fc.constantFrom<Made['content']>(
        none,
        none,
        none,
        { type: 'application/json', body: '{}' },
        { type: undefined, body: 'x' },
      ),
      extra,
    };
  }
  const value = fitting(schema, document.resolve);
  const json = (text: fc.Arbitrary<string>) => text.map((body) => ({ type: 'application/json', body }));
  const choices: fc.WeightedArbitrary<Made['content']>[] = [
    { weight: 6, arbitrary: json(value.map((one) => JSON.stringify(one))) },
    { weight: 6, arbitrary: json(value.chain(mutated).map((one) => JSON.stringify(one))) },
    { weight: 2, arbitrary: json(fc.json()) },
    { weight: 3, arbitrary: json(value.chain((one) => brokenText(JSON.stringify(one)))) },
    { weight: 1, arbitrary: json(fc.constantFrom(...HOSTILE_TEXTS)) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constantFrom(
          undefined,
          'text/plain',
          'application/xml',
          'application/json; charset=utf-16',
          'nonsense',
          'application/x-ndjson',
          'multipart/form-data; boundary=x',
        ),
        body: value.map((one) => JSON.stringify(one)),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Made['content']>(
        { type: undefined, body: undefined },
        { type: 'application/json', body: undefined },
        { type: 'application/json', body: '' },
      ),
    },
  ];
  if (operation.requestBody?.content['application/x-ndjson'] !== undefined) {
    const line = fc.oneof(
      { weight: 20, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.constantFrom('', '{', '\u0000', '"\\u0000"') },
    );
    choices.push({
      weight: 6,
      arbitrary: fc
        .array(line, { maxLength: 50 })
        .map((lines) => ({ type: 'application/x-ndjson', body: lines.join('\n') })),
    });
  }
  return { content: fc.oneof(...choices), extra };
}

/** Values that fit a schema, or nearly: the schema's own limits, and what lies just outside. */
function fitting(schema: Schema, resolve: (schema: Schema) => Schema): fc.Arbitrary<unknown> {
  const { type, enum: choices, anyOf, properties, required = [], items, ...limits } = resolve(schema);
  if (choices !== undefined) return fc.constantFrom(...choices);
  if (anyOf !== undefined) return fc.oneof(definitions, definitions, fc.anything().map(asJson));
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object': {
      const members = Object.entries(properties ?? {}).map(([name, one]): [string, fc.Arbitrary<unknown>] => [
        name,
        fitting(one, resolve),
      ]);
      const needed = members.filter(([name]) => required.includes(name));
      // With every option at random, hardly ever do all of them suit each other.
      return fc.oneof(
        fc.record(Object.fromEntries(members), { requiredKeys: required }),
        fc.record(Object.fromEntries(needed)),
      );
    }
    case 'array':
      return fc.array(fitting(items ?? {}, resolve), { maxLength: 5 });
    case 'integer':
      return fc.oneof(
        fc.integer({ min: limits.minimum ?? 0, max: Math.min(limits.maximum ?? 1_000, 1_000) }),
        fc.constantFrom(
          (limits.minimum ?? 0) - 1,
          limits.minimum ?? 0,
          limits.maximum ?? 1,
          (limits.maximum ?? 1) + 1,
        ),
      );
    case 'boolean':
      return fc.boolean();
    case 'string':
      if (limits.format === 'date-time') {
        return fc.oneof(
          fc
            .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
            .map((at) => at.toISOString()),
          fc.constantFrom(
            '1970-01-01T00:00:00Z',
            '9999-12-31T23:59:59.999Z',
            '2026-01-31T12:00:00+14:00',
            '2026-13-01T00:00:00Z',
          ),
        );
      }
      return fc.oneof(
        fc.constantFrom('orders', 'critical', 'low', 'Charge', 'order-1', 'nobody'),
        fc.string({ minLength: 1, maxLength: 80 }),
      );
    default:
      return fc.jsonValue();
  }
}

const definitions = fc.constantFrom<unknown>(
  { StartAt: 'A', States: { A: { Type: 'Succeed' } } },
  { StartAt: 'A', States: { A: { Type: 'Task', Resource: 'charge', End: true } } },
  {
    StartAt: 'A',
    States: { A: { Type: 'Choice', Choices: [{ Variable: '$.a', NumericEquals: 1, Next: 'A' }] } },
  },
  {
    StartAt: 'A',
    States: {
      A: { Type: 'Map', ItemProcessor: { StartAt: 'B', States: { B: { Type: 'Fail' } } }, End: true },
    },
  },
  { StartAt: 'A', States: { A: { Type: 'Wait', Seconds: -1, Next: 'B' } } },
  { StartAt: 'A', States: { __proto: 1, A: null, B: [] } },
  { States: [] },
  {},
  'StartAt: A\nStates: {A: {Type: Succeed}}',
  'a: &a [*a]',
  '{"StartAt": "A"',
  '&a a: *b',
  '!!js/function x',
  `${'['.repeat(10_000)}`,
  `${'{"a":'.repeat(5_000)}`,
  '- '.repeat(5_000),
  'a: &x [1,1]\nb: &y [*x,*x,*x,*x,*x,*x,*x,*x]\nc: &z [*y,*y,*y,*y,*y,*y,*y,*y]\nd: &w [*z,*z,*z,*z,*z,*z,*z,*z]\ne: [*w,*w,*w,*w,*w,*w,*w,*w]',
  '\ud800',
  'null',
);

function asJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null');
  } catch {
    return null; // a BigInt, say: not JSON
  }
}

/** The value with something about it changed: a member gone, added, or of another kind. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fc.jsonValue();
  const entries = Object.entries(value);
  const other = fc.oneof(
    nasty,
    fc.jsonValue(),
    fc.constantFrom<unknown>(null, 0, -1, 1.5, 1e300, [], {}, 'x'.repeat(50_000)),
  );
  const added = fc
    .tuple(fc.oneof(nasty, fc.constantFrom('x', 'Name', 'id', 'inputs', 'filter')), other)
    .map(([name, one]) => Object.fromEntries([...entries, [name, one]]));
  if (entries.length === 0) return added;
  const changed = fc
    .tuple(fc.nat(entries.length - 1), other)
    .map(([at, one]) => Object.fromEntries(entries.map(([name, old], i) => [name, i === at ? one : old])));
  const removed = fc
    .nat(entries.length - 1)
    .map((at) => Object.fromEntries(entries.filter((_, i) => i !== at)));
  return fc.oneof(added, changed, removed);
}

function brokenText(text: string): fc.Arbitrary<string> {
  return fc.oneof(
    fc.nat(text.length).map((at) => text.slice(0, at)),
    fc
      .tuple(fc.nat(text.length), fc.constantFrom('{', '"', ',', '\\', '\u0000', 'NaN', '\ufeff', '}'))
      .map(([at, odd]) => text.slice(0, at) + odd + text.slice(at)),
  );
}

const HOSTILE_TEXTS = [
  '['.repeat(100_000),
  '{"a":'.repeat(50_000),
  '{"__proto__":{"a":1}}',
  '{"input":{"constructor":{"prototype":{"a":1}}}}',
  '{"input":1e400}',
  `{"input":${'9'.repeat(1_000)}}`,
  '{"name":"\\u0000"}',
  '{"name":"\\ud800"}',
  '{"name":"a","name":"b"}',
  `{"input":"${'x'.repeat(300_000)}"}`,
  `{"input":"${'x'.repeat(600_000)}"}`,
  `{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
  '\ufeff{}',
  ' \t\r\n',
];
