/** Where in a history branches or iterations ran side by side. */
import type { JsonObject } from '../../src/std/json.js';

/** The place of the event that started them, and of the one that ended them: what is between is theirs. */
export interface Span {
  from: number;
  to: number;
}

/** The outermost ones. A Map whose iterations never overlapped in the recording has a fixed order. */
export function concurrentSpans(events: readonly JsonObject[]): Span[] {
  const spans: Span[] = [];
  let at = 0;
  while (at < events.length) {
    const started = events[at];
    if (started !== undefined && isStart(started)) {
      const span = { from: at, to: endOf(events, at) };
      if (isConcurrent(events, span)) {
        spans.push(span);
        at = span.to;
      }
    }
    at += 1;
  }
  return spans;
}

function isStart({ type }: JsonObject): boolean {
  return type === 'ParallelStateStarted' || type === 'MapStateStarted';
}

function isEnd({ type }: JsonObject): boolean {
  return /^(Parallel|Map)State(Succeeded|Failed|Aborted)$/.test(String(type));
}

/** What is inside of it starts and ends before it does. */
function endOf(events: readonly JsonObject[], from: number): number {
  let depth = 0;
  for (let at = from; at < events.length; at++) {
    const event = events[at] as JsonObject;
    if (isStart(event)) depth += 1;
    if (isEnd(event)) depth -= 1;
    if (depth === 0) return at;
  }
  return events.length;
}

function isConcurrent(events: readonly JsonObject[], { from, to }: Span): boolean {
  const started = events[from] as JsonObject;
  const inside = events.slice(from + 1, to);
  if (started['type'] === 'ParallelStateStarted')
    return inside.filter(({ previousEventId }) => previousEventId === started['id']).length > 1;
  // Iterations of the Map itself are those that were started first, and those of the same name.
  let open = 0;
  let most = 0;
  const name = mapNameOf(inside[0]);
  for (const event of inside) {
    if (mapNameOf(event) !== name) continue;
    open += event['type'] === 'MapIterationStarted' ? 1 : -1;
    most = Math.max(most, open);
  }
  return most > 1;
}

/** Of an iteration's start and end. */
function mapNameOf(event: JsonObject | undefined): string | undefined {
  const [, step] = /^MapIteration(Started|Succeeded|Failed|Aborted)$/.exec(String(event?.['type'])) ?? [];
  const details = event?.[`mapIteration${String(step)}EventDetails`] as JsonObject | undefined;
  return step === undefined ? undefined : JSON.stringify(details?.['name'] ?? null);
}
