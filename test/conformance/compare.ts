/** Compares a run with the recorded one, level by level. */
import type { JsonObject } from '../../src/std/json.js';
import type { Case } from './corpus.js';
import { type Same, sameFor } from './difference.js';
import { envelopeOf, type Run } from './envelope.js';
import { compareEvents, type EventOrder } from './event-order.js';
import type { Findings, Level } from './levels.js';
import { compareLastLogged, compareLogged } from './logged.js';
import { maskWildcards } from './wildcards.js';

/** RUNNING when nothing but the world could move it. */
export interface Got extends Run {
  /** As GetExecutionHistory shows them, without timestamps. */
  events: JsonObject[];
}

/** What differs at each level; an execution that was recorded before it ended has nothing but events. */
export function compare(one: Case, got: Got, order: EventOrder = 'exact'): Findings {
  const masked: Case = { ...one, expected: maskWildcards(one.expected, one.wildcards ?? []) };
  const { expected } = masked;
  const same = sameFor(one);
  const findings = new Map<Level, string | undefined>();
  const hasEnded = typeof expected.status === 'string';
  if (hasEnded) {
    findings.set('output', statusDifference(masked, got) ?? outputDifference(masked, got, same));
    findings.set('error', same('error', expected.error ?? undefined, got.error));
    findings.set('cause', same('cause', expected.cause ?? undefined, got.cause));
  }
  const checks = [
    ...historyChecks(masked, got, same, order),
    ...envelopeChecks(masked, got, same),
    ...logChecks(masked, got, same),
  ];
  if (checks.length > 0) {
    let found: string | undefined;
    for (const check of checks) found ??= check();
    findings.set('events', found);
  }
  return findings;
}

function statusDifference({ expected }: Case, got: Got): string | undefined {
  if (expected.status === got.status) return undefined;
  const why = [got.error, got.cause].filter((text) => text !== undefined).join(': ');
  return `status: expected ${String(expected.status)}, got ${got.status} ${why}`.trimEnd();
}

function outputDifference({ expected }: Case, got: Got, same: Same): string | undefined {
  return expected.status === 'SUCCEEDED' ? same('output', expected.output, got.output) : undefined;
}

type Check = () => string | undefined;

function historyChecks({ expected, eventsSorted }: Case, got: Got, same: Same, order: EventOrder): Check[] {
  const { events, status } = expected;
  if (!events) return [];
  // What was recorded before the end is the beginning of what we have.
  const shown = typeof status === 'string' ? got.events : got.events.slice(0, events.length);
  return [
    () => (eventsSorted ? compareSorted(events, shown, same) : compareEvents(events, shown, same, order)),
  ];
}

/** StartSyncExecution's answer, and DescribeExecution's. */
function envelopeChecks({ expected }: Case, got: Got, same: Same): Check[] {
  const recorded: Record<string, JsonObject | undefined> = {
    response: expected.response,
    describe: expected.describe,
    describe_execution: expected.other?.describe_execution,
  };
  return Object.entries(recorded).flatMap(([name, want]) =>
    want === undefined ? [] : [() => same(name, want, envelopeOf(got))],
  );
}

function logChecks({ expected }: Case, { events, executionArn }: Got, same: Same): Check[] {
  const { endLogEvent: last, other: { logged_execution_events: logged = [] } = {} } = expected;
  return [
    ...(last ? [() => compareLastLogged(last, events, executionArn, same)] : []),
    ...(logged.length > 0 ? [() => compareLogged(logged, events, executionArn, same)] : []),
  ];
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
