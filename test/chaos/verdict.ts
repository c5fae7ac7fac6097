/**
 * What must hold of every execution when the dust has settled. Pure: from what the database, the ledger and the clients
 * know, to complaints.
 *
 * 1. It has ended, SUCCEEDED (nothing in the town fails by itself), and its history says so.
 * 2. Its event ids are 1, 2, 3 … without a gap.
 * 3. A task that was scheduled has one outcome, and an idempotency key one committed result.
 * 4. The ledger has the call that a committed result comes from, and no call of that key after it.
 * 5. A token whose answer was acknowledged is in the history.
 */
import type { HistoryEvent } from '../../src/engine/index.js';
import type { LedgerCall } from './ledger.js';

export interface ExecutionFacts {
  executionId: string;
  status: string;
  owner: string | null;
  hasWakeTime: boolean;
  events: readonly HistoryEvent[];
  calls: readonly LedgerCall[];
  answeredTokens: readonly string[];
}

export type Complaint =
  /** It was accepted, and has not ended or is not there at all. */
  | 'lost'
  /** Something was committed twice, or called after its result was committed. */
  | 'doubled'
  /** Anything else that does not add up. */
  | 'unsound'
  /** A call that came after the commit, of a process that had been frozen or cut off: see docs/reliability.md. */
  | 'late';

export interface Finding {
  complaint: Complaint;
  executionId: string;
  what: string;
}

const OUTCOMES = /^(LambdaFunction|Task|Activity)(Succeeded|Failed|TimedOut)$/;

export function judge(facts: ExecutionFacts): Finding[] {
  const { executionId, status, owner, hasWakeTime, events } = facts;
  const findings: Finding[] = [];
  const complain = (complaint: Complaint, what: string): void => {
    findings.push({ complaint, executionId, what });
  };
  if (status === 'RUNNING') complain('lost', 'it has not ended');
  else if (status !== 'SUCCEEDED') complain('unsound', `it is ${status}`);
  if (status !== 'RUNNING' && (owner !== null || hasWakeTime))
    complain('unsound', 'it has ended and is owned');
  if (status === 'RUNNING' && owner === null && !hasWakeTime)
    complain('unsound', 'nobody has it, and nothing will wake it');
  const gap = events.findIndex(({ id }, index) => id !== index + 1);
  if (gap >= 0) complain('unsound', `event ${gap + 1} has the id ${events[gap]?.id}`);
  const last = events.at(-1)?.type;
  if (status === 'SUCCEEDED' && last !== 'ExecutionSucceeded')
    complain('unsound', `its history ends with ${last}`);

  judgeOutcomes(events, complain);
  judgeCalls(facts, complain);
  const told = new Set(events.flatMap((event) => (event.type === 'TaskSucceeded' ? outputOf(event) : [])));
  for (const token of facts.answeredTokens) {
    if (!told.has(JSON.stringify({ answered: token })))
      complain('unsound', 'the answer to its token was not used');
  }
  return findings;
}

type Complain = (complaint: Complaint, what: string) => void;

function judgeOutcomes(events: readonly HistoryEvent[], complain: Complain): void {
  const seen = new Set<number>();
  for (const { id, type, previousEventId } of events) {
    if (!OUTCOMES.test(type)) continue;
    if (seen.has(previousEventId))
      complain('doubled', `event ${id}, ${type}, is the second outcome of one call`);
    seen.add(previousEventId);
  }
}

function judgeCalls({ events, calls }: ExecutionFacts, complain: Complain): void {
  const byId = new Map(calls.map((call) => [call.id, call]));
  const committed = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'LambdaFunctionSucceeded') continue;
    const call = byId.get(callIn(event) ?? Number.NaN);
    if (call === undefined) {
      complain('unsound', `the result of event ${event.id} comes from no call in the ledger`);
    } else if (committed.has(call.key)) {
      complain('doubled', `two results of ${call.key} were committed`);
    } else {
      committed.set(call.key, call.id);
    }
  }
  for (const { id, key } of calls) {
    const used = committed.get(key);
    // Whoever calls a key anew has it from a dead owner, who commits nothing from then on.
    if (used !== undefined && id > used) complain('late', `${key} was called after its result was committed`);
  }
}

/** What a handler of the town answers: `{call, key}`. */
function callIn(event: HistoryEvent): number | undefined {
  for (const text of outputOf(event)) {
    const found: unknown = (JSON.parse(text) as { call?: unknown } | null)?.call;
    if (typeof found === 'number') return found;
  }
  return undefined;
}

/** The event's output as JSON text, whether the journal has it as text or as a value. */
function outputOf({ details }: HistoryEvent): string[] {
  const output = details?.['output'];
  if (output === undefined) return [];
  return [typeof output === 'string' ? output : JSON.stringify(output)];
}
