/** Compares an answer with a recorded one, at the level of events, by the rules of the corpus's README. */
import { isObject, type Json, type JsonObject } from '../../src/std/json.js';
import type { Case } from './corpus.js';

export interface Got {
  status: string;
  output: Json | undefined;
  error: string | undefined;
  cause: string | undefined;
  /** As GetExecutionHistory shows them, without timestamps. */
  events: JsonObject[];
}

/** What differs, in words; undefined when nothing does. */
export function difference(one: Case, got: Got): string | undefined {
  const { expected } = one;
  const literal = JSON.stringify([
    one.definition ?? one.definitionText ?? null,
    one.input ?? one.inputText ?? null,
  ]);
  const same = (path: string, want: Json | undefined, have: Json | undefined): string | undefined =>
    differ({ path, want: readText(want), have: readText(have), literal, masks: one.wildcards ?? [] });
  if (expected.status === null) {
    // It was recorded before it ended: what it had recorded by then is all that is known.
    return compareEvents(expected.events ?? [], got.events.slice(0, expected.events?.length), same);
  }
  if (expected.status !== got.status)
    return `status: expected ${expected.status}, got ${got.status} ${got.cause ?? ''}`;
  if (expected.status === 'SUCCEEDED') {
    const found = same('output', expected.output, got.output);
    if (found !== undefined) return found;
  }
  const found = same('error', expected.error, got.error) ?? same('cause', expected.cause, got.cause);
  if (found !== undefined || !expected.events) return found;
  return one.eventsSorted
    ? compareSorted(expected.events, got.events, same)
    : compareEvents(expected.events, got.events, same);
}

type Same = (path: string, want: Json | undefined, have: Json | undefined) => string | undefined;

function compareEvents(want: JsonObject[], have: JsonObject[], same: Same): string | undefined {
  const types = (events: JsonObject[]): string => events.map(({ type }) => String(type)).join(' ');
  if (types(want) !== types(have)) return `events: expected ${types(want)}\n         got      ${types(have)}`;
  for (const [at, event] of want.entries()) {
    const found = same(`event ${String(at + 1)}`, event, have[at]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The recording sorted what happened inside a Parallel, took its ids away, and lost the Parallel's own
 * ends inside it. Whatever still has an id must be that event; the others must be there in any order.
 */
function compareSorted(want: JsonObject[], have: JsonObject[], same: Same): string | undefined {
  const left = new Map(have.map((event) => [event['id'], event]));
  for (const event of want.filter(({ id }) => id !== 0)) {
    const found = same(`event ${String(event['id'])}`, event, left.get(event['id'] ?? null));
    if (found !== undefined) return found;
    left.delete(event['id'] ?? null);
  }
  for (const event of want.filter(({ id }) => id === 0)) {
    const match = [...left].find(
      ([, got]) => same('', event, { ...got, id: 0, previousEventId: 0 }) === undefined,
    );
    if (match === undefined) return `no event like ${JSON.stringify(event)}`;
    left.delete(match[0]);
  }
  const lost = ['ParallelStateSucceeded', 'ParallelStateExited', 'ParallelStateFailed'];
  const extra = [...left.values()].filter(({ type }) => !lost.includes(String(type)));
  return extra.length === 0 ? undefined : `more events than recorded: ${JSON.stringify(extra)}`;
}

interface Pair {
  path: string;
  want: Json | undefined;
  have: Json | undefined;
  literal: string;
  masks: { path: string; value: Json }[];
}

/** What runs differ in: transport, billing, ids. In older recordings RedriveCount did not exist yet. */
const IGNORED = new Set([
  'SdkHttpMetadata',
  'SdkResponseMetadata',
  'billingDetails',
  'requestId',
  'stackTrace',
]);

function differ({ path, want, have, literal, masks }: Pair): string | undefined {
  const told = (): string => `${path}: expected ${JSON.stringify(want)}, got ${JSON.stringify(have)}`;
  if (want === undefined || have === undefined) return want === have ? undefined : told();
  if (typeof want === 'string') {
    if (masks.some(({ value }) => value === want)) return undefined;
    if (typeof have !== 'string') return told();
    return matches(want, have, literal) ? undefined : told();
  }
  if (Array.isArray(want)) {
    if (!Array.isArray(have) || have.length !== want.length) return told();
    for (const [at, value] of want.entries()) {
      const found = differ({ path: `${path}[${String(at)}]`, want: value, have: have[at], literal, masks });
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isObject(want)) return Object.is(want, have) || want === have ? undefined : told();
  if (!isObject(have)) return told();
  for (const key of new Set([...Object.keys(want), ...Object.keys(have)])) {
    if (IGNORED.has(key) || (key === 'RedriveCount' && !(key in want))) continue;
    const found = differ({ path: `${path}.${key}`, want: want[key], have: have[key], literal, masks });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A `<word>` stands for any text, unless the definition or the input has that very word. */
function matches(want: string, have: string, literal: string): boolean {
  if (want === have) return true;
  if (want === 'date' || want === 'datetime' || want === 'timestamp') return have.length > 0;
  const parts = want.split(/(<[A-Za-z][\w:-]*>)/);
  const pattern = parts.map((part, at) =>
    at % 2 === 1 && !literal.includes(part) ? '[\\s\\S]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  );
  return new RegExp(`^${pattern.join('')}$`).test(have);
}

/** Text that is JSON, and texts inside it that are objects or arrays, as the values that they stand for. */
function readText(value: Json | undefined): Json | undefined {
  if (typeof value === 'string') return /^\s*[[{]/.test(value) ? readAs(value) : value;
  if (Array.isArray(value)) return value.map((item) => readText(item) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readMember(key, item)]));
}

/** `input`, `output` and `parameters` of events are JSON text of any kind. */
function readMember(key: string, value: Json): Json {
  if (key === 'assignedVariables' && isObject(value)) {
    const texts = Object.entries(value).map(([name, text]) => [
      name,
      typeof text === 'string' ? readAs(text) : text,
    ]);
    return readText(Object.fromEntries(texts) as JsonObject) ?? null;
  }
  const isText = typeof value === 'string' && (key === 'input' || key === 'output' || key === 'parameters');
  return readText(isText ? readAs(value) : value) ?? null;
}

function readAs(text: string): Json {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'object' ? (readText(value) ?? null) : value;
  } catch {
    return text;
  }
}
