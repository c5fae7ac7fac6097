/** What the tables say when all is over. Whoever reads this need not believe anything that the processes said. */
import type pg from 'pg';
import { grouped } from './grouping.js';
import { SUCCESSES } from './machine.js';
import type { Outside, Sent } from './outside.js';

export interface Verdict {
  /** How much there was of it. */
  counts: {
    executions: number;
    claims: number;
    /** Claims that read the journal of another owner. */
    takeovers: number;
    commits: number;
    calls: number;
    /** Results in the journal. */
    results: number;
    /** Calls whose result nobody heard, so that another was made under the same key. */
    repeated: number;
    /** Of these, calls that a worker which did not know yet that it was dead made when the result was there already. */
    late: number;
    acknowledged: number;
    refused: number;
    unanswered: number;
  };
  violations: Violation[];
}

export interface Violation {
  rule: Rule;
  executionId: string;
  what: string;
}

const RULES = [
  'a checkpoint is missing',
  'an event is missing or doubled',
  'an epoch went back',
  'a takeover did not see what was committed',
  'a task was called again after its result was committed',
  'a result was used by another than who had called',
  'a result was lost or used twice',
  'an acknowledged signal was not used',
  'a refused signal was used',
  'two signals were acknowledged where one can be',
  'an execution neither ended nor can go on',
  'an accepted execution is missing',
] as const;
type Rule = (typeof RULES)[number];

interface Row {
  id: string;
  name: string;
  status: string;
  owner: string | null;
  output: string | null;
  epoch: number;
}

interface Checkpoint {
  seq: number;
  epoch: number;
  first_event_id: number;
  event_count: number;
  events: string;
}

interface Call {
  id: string;
  key: string;
  state: string;
  epoch: number;
  at: number;
}

interface Result {
  call: string;
  epoch: number;
}

export async function judge(pool: pg.Pool, { names, sent }: Outside): Promise<Verdict> {
  const violations: Violation[] = [];
  const { rows: executions } = await pool.query<Row>(
    'SELECT id, name, status, owner, output, epoch FROM executions',
  );
  const { rows: takeovers } = await pool.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM hammer_takeovers WHERE epoch > 1',
  );
  const counts: Verdict['counts'] = {
    executions: executions.length,
    claims: executions.reduce((sum, { epoch }) => sum + epoch, 0),
    takeovers: takeovers[0]?.n ?? 0,
    commits: 0,
    calls: 0,
    results: 0,
    repeated: 0,
    late: 0,
    acknowledged: sent.filter(({ outcome }) => outcome === 'acknowledged').length,
    refused: sent.filter(({ outcome }) => outcome === 'refused').length,
    unanswered: sent.filter(({ outcome }) => outcome === 'unknown').length,
  };
  const there = new Set(executions.map(({ name }) => name));
  for (const name of names)
    if (!there.has(name))
      violations.push({ rule: 'an accepted execution is missing', executionId: name, what: '' });
  const sentTo = grouped(sent, ({ executionId }) => executionId);

  for (const execution of executions) {
    const accuse = (rule: Rule, what: unknown): void => {
      violations.push({ rule, executionId: execution.id, what: JSON.stringify(what) });
    };
    const journal = await readJournal(pool, execution.id);
    const calls = await readCalls(pool, execution.id);
    const results = readResults(journal);
    counts.commits += journal.length;
    counts.calls += calls.length;
    counts.results += results.length;
    judgeJournal(journal, accuse);
    await judgeTakeovers(pool, execution.id, accuse);
    counts.repeated += judgeCalls(calls, results, accuse);
    counts.late += lateCalls(calls, results);
    if (execution.status === 'SUCCEEDED') {
      judgeResults(calls, results, execution.output ?? '', accuse);
      judgeSignals(sentTo.get(execution.id) ?? [], execution.output ?? '', accuse);
    } else accuse('an execution neither ended nor can go on', { ...execution, output: undefined });
  }
  return { counts, violations };
}

type Accuse = (rule: Rule, what: unknown) => void;

async function readJournal(pool: pg.Pool, executionId: string): Promise<Checkpoint[]> {
  const { rows } = await pool.query<Checkpoint>(
    'SELECT seq, epoch, first_event_id, event_count, events FROM journal WHERE execution_id = $1 ORDER BY seq',
    [executionId],
  );
  return rows;
}

async function readCalls(pool: pg.Pool, executionId: string): Promise<Call[]> {
  const { rows } = await pool.query<Call>(
    `SELECT id, key, state, epoch, (extract(epoch FROM at) * 1000)::float8 AS at FROM hammer_calls
     WHERE execution_id = $1 AND state <> 'Asked' ORDER BY at`,
    [executionId],
  );
  return rows;
}

interface ResultEvent {
  id: number;
  type: string;
  details?: { output?: string };
}

/** The results of functions, each with the checkpoint's epoch. */
function readResults(journal: readonly Checkpoint[]): Result[] {
  return journal.flatMap(({ epoch, events }) =>
    (JSON.parse(events) as ResultEvent[]).flatMap((event) => {
      const call = /SucceededEvent|TaskSucceeded|LambdaFunctionSucceeded/.test(event.type)
        ? /"call":"([0-9a-f-]{36})"/.exec(JSON.stringify(event).replaceAll('\\', ''))?.[1]
        : undefined;
      return call === undefined ? [] : [{ call, epoch }];
    }),
  );
}

function judgeJournal(journal: readonly Checkpoint[], accuse: Accuse): void {
  let nextEvent = 1;
  let epochBefore = 0;
  for (const [index, { seq, epoch, first_event_id, event_count, events }] of journal.entries()) {
    if (seq !== index + 1) accuse('a checkpoint is missing', { seq, expected: index + 1 });
    if (epoch < epochBefore) accuse('an epoch went back', { seq, epoch, epochBefore });
    const ids = (JSON.parse(events) as ResultEvent[]).map(({ id }) => id);
    const asExpected = first_event_id === nextEvent && event_count === ids.length;
    if (!asExpected || ids.some((id, at) => id !== nextEvent + at))
      accuse('an event is missing or doubled', { seq, first_event_id, event_count, ids, nextEvent });
    epochBefore = epoch;
    nextEvent = first_event_id + event_count;
  }
}

/** Whoever claims has the whole journal of his predecessors before him, or the fence leaks. */
async function judgeTakeovers(pool: pg.Pool, executionId: string, accuse: Accuse): Promise<void> {
  const { rows } = await pool.query(
    `SELECT t.epoch, t.last_seq, j.seq, j.epoch AS written_by FROM hammer_takeovers t
     JOIN journal j ON j.execution_id = t.execution_id AND j.epoch < t.epoch AND j.seq > t.last_seq
     WHERE t.execution_id = $1`,
    [executionId],
  );
  for (const row of rows) accuse('a takeover did not see what was committed', row);
}

/** @returns how many calls there were more than keys. */
function judgeCalls(calls: readonly Call[], results: readonly Result[], accuse: Accuse): number {
  const byId = new Map(calls.map((call) => [call.id, call]));
  for (const { call, epoch } of results) {
    const used = byId.get(call);
    if (used === undefined || used.epoch !== epoch)
      accuse('a result was used by another than who had called', { call, epoch, used });
    for (const again of calls)
      if (used !== undefined && again.key === used.key && again.epoch > epoch)
        accuse('a task was called again after its result was committed', { used, again });
  }
  return calls.length - new Set(calls.map(({ key }) => key)).size;
}

/** Calls of those who were not the owner any more and did not know it. */
function lateCalls(calls: readonly Call[], results: readonly Result[]): number {
  const used = new Set(results.map(({ call }) => call));
  const winners = new Map(calls.filter(({ id }) => used.has(id)).map((call) => [call.key, call]));
  return calls.filter(({ key, epoch, at }) => {
    const winner = winners.get(key);
    return winner !== undefined && epoch < winner.epoch && at > winner.at;
  }).length;
}

function judgeResults(
  calls: readonly Call[],
  results: readonly Result[],
  output: string,
  accuse: Accuse,
): void {
  const states = new Map(calls.map(({ id, state }) => [id, state]));
  const inOutput = [...output.matchAll(/"call":"([0-9a-f-]{36})"/g)].map(([, call]) => String(call)).sort();
  const inJournal = results.map(({ call }) => call).sort();
  if (JSON.stringify(inOutput) !== JSON.stringify(inJournal)) {
    accuse('a result was lost or used twice', { inOutput, inJournal });
    return;
  }
  for (const [state, times] of Object.entries(SUCCESSES)) {
    const found = results.filter(({ call }) => states.get(call) === state).length;
    if (found !== times) accuse('a result was lost or used twice', { state, times, found });
  }
}

/** One message and one answer can be taken, of all that were sent. */
function judgeSignals(sent: readonly Sent[], output: string, accuse: Accuse): void {
  for (const { kind, id, outcome } of sent) {
    const used = output.split(id).length - 1;
    if (outcome === 'acknowledged' && used !== 1)
      accuse('an acknowledged signal was not used', { kind, id, used });
    if (outcome === 'refused' && used > 0) accuse('a refused signal was used', { kind, id, used });
  }
  const acknowledged = sent.filter(({ outcome }) => outcome === 'acknowledged');
  for (const [kind, some] of grouped(acknowledged, ({ kind }) => kind))
    if (some.length > 1)
      accuse('two signals were acknowledged where one can be', { kind, times: some.length });
}
