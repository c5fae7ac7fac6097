/**
 * Histories, compared event by event. Where branches ran side by side, the order in which their events were
 * recorded is up to the clock; all else is not: what each branch did and in which order, what led to what,
 * and everything before and after.
 *
 * 1. Outside of branches that ran side by side an event has the recorded id.
 * 2. Inside, each recorded event has exactly one counterpart, of the same type and details, which follows the
 *    counterpart of the event that led to it.
 * 3. A join, and an iteration that takes the place of another, follow whichever branch ended last: some event
 *    of the recorded type inside.
 * 4. A Map starts its iterations in the order of its items.
 */
import type { Json, JsonObject } from '../../src/std/json.js';
import { concurrentSpans } from './concurrent-spans.js';
import type { Same } from './difference.js';

/** The exact order, or `byBranch`: any order that the clock could have given to branches side by side. */
export type EventOrder = 'exact' | 'byBranch';

export function compareEvents(
  want: JsonObject[],
  have: JsonObject[],
  same: Same,
  order: EventOrder,
): string | undefined {
  const exact = compareExactly(want, have, same);
  if (exact === undefined || order === 'exact' || want.length !== have.length) return exact;
  return concurrentSpans(want).length === 0 ? exact : compareByBranch(want, have, same);
}

function compareExactly(want: JsonObject[], have: JsonObject[], same: Same): string | undefined {
  const types = (events: JsonObject[]): string => events.map(({ type }) => String(type)).join(' ');
  if (types(want) !== types(have)) return `events: expected ${types(want)}\n         got      ${types(have)}`;
  for (const [at, event] of want.entries()) {
    const found = same(`event ${String(at + 1)}`, event, have[at]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function compareByBranch(want: JsonObject[], have: JsonObject[], same: Same): string | undefined {
  const spans = concurrentSpans(want);
  const spanOf = (at: number): number => spans.findIndex(({ from, to }) => at > from && at < to);
  const wantAt = placesById(want);
  const haveAt = placesById(have);
  /** The counterpart of each recorded event, by place. */
  const counterpart = new Map<number, number>();
  const used = new Set<number>();
  const lastStart = new Map<string, number>();

  const follows = (at: number, candidate: number): boolean => {
    const before = wantAt.get(want[at]?.['previousEventId'] ?? null);
    const candidateBefore = haveAt.get(have[candidate]?.['previousEventId'] ?? null);
    if (before === undefined || candidateBefore === undefined) return before === candidateBefore;
    if (candidateBefore >= candidate) return false;
    if (counterpart.get(before) === candidateBefore) return true;
    return (
      isUpToTheClock(want[at]) &&
      spanOf(before) !== -1 &&
      spanOf(before) === spanOf(candidateBefore) &&
      want[before]?.['type'] === have[candidateBefore]?.['type']
    );
  };

  for (const [at, event] of want.entries()) {
    const span = spans[spanOf(at)];
    const start = span === undefined ? undefined : startOf(event, want[span.from]);
    const first = start === undefined ? 0 : (lastStart.get(start) ?? -1) + 1;
    const candidates = span === undefined ? [at] : placesBetween(Math.max(span.from + 1, first), span.to);
    let found: string | undefined;
    const match = candidates.find((candidate) => {
      if (used.has(candidate) || !follows(at, candidate)) return false;
      found = same(`event ${String(at + 1)}`, withoutIds(event), withoutIds(have[candidate]));
      return found === undefined;
    });
    if (match === undefined)
      return found ?? `event ${String(at + 1)}: nothing like ${JSON.stringify(event)} at its place`;
    counterpart.set(at, match);
    used.add(match);
    if (start !== undefined) lastStart.set(start, match);
  }
  return undefined;
}

/** Joins, and iterations that take the place of one that has ended. */
function isUpToTheClock(event: JsonObject | undefined): boolean {
  return /^(MapIterationStarted|(Map|Parallel)State(Succeeded|Exited|Failed))$/.test(String(event?.['type']));
}

/** Of an iteration's start the Map that it belongs to, when that is the one whose span this is. */
function startOf(
  { type, mapIterationStartedEventDetails: details }: JsonObject,
  map?: JsonObject,
): string | undefined {
  if (type !== 'MapIterationStarted' || map?.['type'] !== 'MapStateStarted') return undefined;
  return JSON.stringify((details as JsonObject | undefined)?.['name'] ?? null);
}

function withoutIds(event: JsonObject | undefined): JsonObject | undefined {
  if (event === undefined) return undefined;
  const { id: _, previousEventId: __, ...rest } = event;
  return rest;
}

function placesById(events: JsonObject[]): Map<Json, number> {
  return new Map(events.map((event, at) => [event['id'] ?? null, at]));
}

function placesBetween(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
