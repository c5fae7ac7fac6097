/** Reads what the verdict judges: executions with their histories, calls and tokens; batches; and what is left lying about. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { HistoryEvent } from '../../src/engine/index.js';
import { answeredTokens, callsOf, type LedgerCall } from './ledger.js';
import type { Account } from './load.js';
import type { Town } from './town.js';
import { type ExecutionFacts, type Finding, judge } from './verdict.js';

const PAGE = 500;

/** How many executions of the town have not ended. @throws what the driver throws while the database is away */
export async function countOpen(database: pg.Pool): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    'SELECT (SELECT count(*) FROM executions WHERE end_time IS NULL)::int + (SELECT count(*) FROM batches WHERE end_time IS NULL)::int AS n',
  );
  return rows[0]?.n ?? 0;
}

/** Judges every execution that was started since `since`, and whether all that was accepted is among them. */
export async function examine(
  town: Town,
  since: Date,
  account: Account,
): Promise<{ executions: number; findings: Finding[] }> {
  const { rows } = await town.database.query<{ id: string }>(
    'SELECT id FROM executions WHERE start_time >= $1 ORDER BY id',
    [since],
  );
  const ids = rows.map(({ id }) => id);
  const findings: Finding[] = [];
  for (let at = 0; at < ids.length; at += PAGE) {
    for (const facts of await readFacts(town, ids.slice(at, at + PAGE))) findings.push(...judge(facts));
  }
  const there = new Set(ids);
  for (const executionId of account.executions) {
    if (!there.has(executionId)) findings.push({ complaint: 'lost', executionId, what: 'it is not there' });
  }
  findings.push(...(await examineBatches(town.database, since, account)));
  return { executions: ids.length, findings };
}

async function readFacts(town: Town, ids: readonly string[]): Promise<ExecutionFacts[]> {
  const { rows } = await town.database.query<{
    id: string;
    status: string;
    owner: string | null;
    wakes: boolean;
    events: string[] | null;
  }>(
    `SELECT e.id, e.status, e.owner, e.wake_at IS NOT NULL AS wakes,
       (SELECT array_agg(j.events ORDER BY j.seq) FROM journal j WHERE j.execution_id = e.id) AS events
     FROM executions e WHERE e.id = ANY($1::uuid[])`,
    [ids],
  );
  const calls = new Map<string, LedgerCall[]>();
  for (const call of await callsOf(town.ledger, ids)) {
    const known = calls.get(call.executionId);
    if (known === undefined) calls.set(call.executionId, [call]);
    else known.push(call);
  }
  const answered = await answeredTokens(town.ledger, ids);
  return rows.map(({ id, status, owner, wakes, events }) => ({
    executionId: id,
    status,
    owner,
    hasWakeTime: wakes,
    events: (events ?? []).flatMap((text) => JSON.parse(text) as HistoryEvent[]),
    calls: calls.get(id) ?? [],
    answeredTokens: answered.get(id) ?? [],
  }));
}

/** Each batch has ended, has as many members as it was given, each index once, and counts them as they ended. */
async function examineBatches(database: pg.Pool, since: Date, account: Account): Promise<Finding[]> {
  const { rows } = await database.query<{ id: string; total: number; what: string }>(
    `SELECT b.id, b.total, concat_ws(', ',
       CASE WHEN b.end_time IS NULL THEN 'it has not ended' END,
       CASE WHEN b.started <> b.total OR m.members <> b.total OR m.indexes <> b.total
         THEN b.total || ' members were asked for, ' || b.started || ' are counted as started, ' || m.members || ' are there' END,
       CASE WHEN b.succeeded <> m.succeeded OR b.failed + b.aborted <> m.others THEN 'its counts are not those of its members' END
     ) AS what
     FROM batches b, LATERAL (
       SELECT count(*)::int AS members, count(DISTINCT batch_index)::int AS indexes,
         (count(*) FILTER (WHERE status = 'SUCCEEDED'))::int AS succeeded,
         (count(*) FILTER (WHERE status NOT IN ('SUCCEEDED', 'RUNNING')))::int AS others
       FROM executions e WHERE e.batch_id = b.id
     ) m WHERE b.created_at >= $1`,
    [since],
  );
  const findings: Finding[] = rows
    .filter(({ what }) => what !== '')
    .map(({ id, what }) => ({ complaint: 'unsound', executionId: id, what: `batch: ${what}` }));
  const there = new Map(rows.map(({ id, total }) => [id, total]));
  for (const [id, size] of account.batches) {
    if (there.get(id) !== size)
      findings.push({ complaint: 'lost', executionId: id, what: 'its batch is not there' });
  }
  return findings;
}

export interface Leftovers {
  signals: number;
  tokens: number;
}

/**
 * Signals and open tokens of executions that have ended: rows that nobody will ask for any more. A worker clears them
 * away when it sweeps first, and then every minute; so one is started anew, and waited for.
 */
export async function leftoversOf(town: Town, withinMs: number): Promise<Leftovers> {
  await town.workers[0]?.replace({});
  const deadline = performance.now() + withinMs;
  let left = await countLeftovers(town.database);
  while (left.signals + left.tokens > 0 && performance.now() < deadline) {
    await sleep(200);
    left = await countLeftovers(town.database);
  }
  return left;
}

async function countLeftovers(database: pg.Pool): Promise<Leftovers> {
  const { rows } = await database.query<Leftovers>(
    `SELECT (SELECT count(*) FROM inbox i JOIN executions e ON e.id = i.execution_id WHERE e.end_time IS NOT NULL)::int AS signals,
       (SELECT count(*) FROM task_tokens t JOIN executions e ON e.id = t.execution_id WHERE e.end_time IS NOT NULL AND t.done_at IS NULL)::int AS tokens`,
  );
  return rows[0] ?? { signals: 0, tokens: 0 };
}
