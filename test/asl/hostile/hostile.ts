/** Runs what is hostile through the whole language and engine, as a worker would, and says how it ended. */
import {
  compileMachine,
  type Diagnostic,
  parseDefinition,
  validateDefinition,
} from '../../../src/asl/index.js';
import { applyDelta, isEnded, newRun, nextWakeAt, step } from '../../../src/engine/index.js';
import type { Json, JsonObject } from '../../../src/std/json.js';

export interface Ending {
  status: string;
  error?: string;
  cause?: string;
  output?: Json;
  events: number;
}

export const MAX_EVENTS = 25_000;

/** The ERRORs that parse and validate find, or none. */
export function refusals(source: string | Json): Diagnostic[] {
  const parsed = parseDefinition(source);
  if (!parsed.ok) return parsed.diagnostics;
  return validateDefinition(parsed.definition).filter(({ severity }) => severity === 'ERROR');
}

/** Runs an execution to its end, making the texts that a journal would be given. Throws when it is refused, or stands still. */
export async function runToEnd(
  source: string | Json,
  input: Json = {},
  maxEvents: number | undefined = MAX_EVENTS,
): Promise<Ending> {
  const parsed = parseDefinition(source);
  const found = refusals(source);
  if (!parsed.ok || found.length > 0) throw new Error(JSON.stringify(found.slice(0, 3)));
  const about = {
    executionId: 'execution-1',
    executionName: 'execution',
    stateMachineId: 'machine-1',
    stateMachineName: 'machine',
    input,
    startTimeMs: 0,
    ...(maxEvents !== undefined && { maxEvents }),
  };
  const entropy = { random: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };
  const run = newRun(about, compileMachine(parsed.definition), entropy);
  let nowMs = 0;
  let events = 0;
  for (let first = true; ; first = false) {
    const { delta, effects, history } = await step(run, { kind: first ? 'start' : 'tick' }, nowMs);
    JSON.stringify(history);
    JSON.stringify(delta);
    events += history.length;
    applyDelta(run, delta);
    const end = effects.find((effect) => effect.kind === 'end');
    if (end !== undefined) {
      const { status, error, cause, output } = end;
      return {
        status,
        ...(error !== undefined && { error }),
        ...(cause !== undefined && { cause }),
        ...(output !== undefined && { output }),
        events,
      };
    }
    const wakeAtMs = nextWakeAt(run);
    if (isEnded(run) || wakeAtMs === undefined) throw new Error('the execution stands still');
    nowMs = Math.max(nowMs, wakeAtMs);
  }
}

/** A machine of one state. */
export function only(state: JsonObject, more: JsonObject = {}): JsonObject {
  return { StartAt: 'A', States: { A: { ...state, End: true } }, ...more };
}

/** Lists within lists. */
export function nested(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

/** Memory that is still held when a piece of work is done, in MB. */
export async function heldBy(work: () => unknown): Promise<number> {
  const before = process.memoryUsage().heapUsed;
  await work();
  return (process.memoryUsage().heapUsed - before) / 2 ** 20;
}
