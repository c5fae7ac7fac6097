/** Compares an answer with a recorded one, level by level, by the rules of the corpus's README. */
import { isObject, type Json, type JsonObject } from '../../src/std/json.js';
import type { Case } from './corpus.js';
import type { Findings, Level } from './levels.js';

export interface Got {
  executionId: string;
  /** RUNNING when nothing but the world could move it. */
  status: string;
  output: Json | undefined;
  error: string | undefined;
  cause: string | undefined;
  /** As GetExecutionHistory shows them, without timestamps. */
  events: JsonObject[];
}

/** What differs at each level; an execution that was recorded before it ended has nothing but events. */
export function compare(one: Case, got: Got): Findings {
  const { expected } = one;
  const literal = JSON.stringify([
    one.definition ?? one.definitionText ?? null,
    one.input ?? one.inputText ?? null,
  ]);
  const same: Same = (path, want, have) =>
    differ({ path, want: readText(want), have: readText(have), literal, masks: one.wildcards ?? [] });
  const findings = new Map<Level, string | undefined>();
  if (expected.status !== null) {
    findings.set('output', statusDifference(one, got) ?? outputDifference(one, got, same));
    findings.set('error', same('error', expected.error, got.error));
    findings.set('cause', same('cause', expected.cause, got.cause));
  }
  if (expected.events) {
    const shown = expected.status === null ? got.events.slice(0, expected.events.length) : got.events;
    const compareAll = one.eventsSorted ? compareSorted : compareEvents;
    findings.set('events', compareAll(expected.events, shown, same));
  } else if (expected.endLogEvent) {
    findings.set('events', same('last event', expected.endLogEvent, lastLogged(got)));
  }
  return findings;
}

function statusDifference({ expected }: Case, got: Got): string | undefined {
  if (expected.status === got.status) return undefined;
  const why = [got.error, got.cause].filter((text) => text !== undefined).join(': ');
  return `status: expected ${expected.status}, got ${got.status} ${why}`.trimEnd();
}

function outputDifference({ expected }: Case, got: Got, same: Same): string | undefined {
  return expected.status === 'SUCCEEDED' ? same('output', expected.output, got.output) : undefined;
}

/** The last event as an Express execution's log has it. */
function lastLogged({ events, executionId }: Got): JsonObject | undefined {
  const last = events.at(-1);
  if (last === undefined) return undefined;
  const { id, previousEventId, type, ...rest } = last;
  return {
    id: String(id),
    previous_event_id: String(previousEventId),
    type: type ?? null,
    details: Object.values(rest)[0] ?? {},
    execution_arn: executionId,
    redrive_count: '0',
  };
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

/** What stands for a point in time, or for the role given at creation, as a whole text. */
const MASKS = new Set(['date', 'datetime', 'timestamp', 'snf_role_arn', 'sfn_role_arn']);

/** A `<word>` stands for any text, unless the definition or the input has that very word. */
function matches(want: string, have: string, literal: string): boolean {
  if (want === have) return true;
  if (MASKS.has(want)) return have.length > 0;
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
  const value = tryJson(text) ?? tryJson(text.replace(HALF_MASKED, ':"$1"'));
  if (value === undefined) return text;
  return typeof value === 'object' ? (readText(value) ?? null) : value;
}

/** In some recordings the mask took the opening quote with it: `"requestId":<request-id>"`. */
const HALF_MASKED = /:(<[a-z-]+>)"/g;

function tryJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
