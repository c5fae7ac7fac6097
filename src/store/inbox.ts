/**
 * The inbox: what comes from outside for an execution. A signal is a row here plus `inbox_seq + 1` and
 * `wake_at = now()` on the execution, in one statement; the row lock orders concurrent signals, so their
 * numbers have no gap. Whoever owns or next claims the execution folds them in.
 */
import type pg from 'pg';
import type { InboxSignal, SignalData } from '../engine/index.js';
import { batchEndRule } from './sql/batch-end.js';
import { GATE_CHANNEL } from './sql/gate.js';
import { wokenAt } from './sql/pause.js';

/** The channel on which owners hear that something has come in; the payload is the execution's id. */
export const INBOX_CHANNEL = 'escapement_inbox';

/**
 * The channel on which workers hear that an execution which nobody advances is to be stopped: one of them takes it
 * up without a slot. Its doorbell would wait for one, and its own children may have them all.
 */
export const STOP_CHANNEL = 'escapement_stop';

export interface Delivery {
  found: boolean;
  /** It had ended already; nothing was delivered. */
  ended: boolean;
  /** The worker that is advancing it, which has been told; null: ring the doorbell of `queue`. */
  owner: string | null;
  queue: string;
}

/** Puts a signal into an execution's inbox and wakes it, unless it is paused or held. A stop ends both. */
export async function deliverSignal<K extends keyof SignalData>(
  pool: pg.Pool,
  executionId: string,
  kind: K,
  data: SignalData[K],
): Promise<Delivery> {
  const { rows } = await pool.query<{ delivered: boolean; owner: string | null; queue: string }>(
    `WITH woken AS (
       UPDATE executions e SET inbox_seq = e.inbox_seq + 1,
         wake_at = CASE WHEN $2::text = 'stop' THEN now() ELSE ${wokenAt('e')} END,
         held_at = CASE WHEN $2::text <> 'stop' THEN e.held_at END,
         paused_at = CASE WHEN $2::text <> 'stop' THEN e.paused_at END,
         pause_reason = CASE WHEN $2::text <> 'stop' THEN e.pause_reason END
       WHERE e.id = $1 AND e.end_time IS NULL
       RETURNING id, inbox_seq, owner, queue
     ), delivered AS (
       INSERT INTO inbox (execution_id, seq, kind, data, created_at)
       SELECT id, inbox_seq, $2::text, $3, now() FROM woken
       RETURNING 1
     ), told AS (
       SELECT pg_notify(CASE WHEN owner IS NULL THEN '${STOP_CHANNEL}' ELSE '${INBOX_CHANNEL}' END, id::text)
       FROM woken WHERE owner IS NOT NULL OR $2 = 'stop'
     )
     SELECT w.id IS NOT NULL AS delivered, CASE WHEN w.id IS NULL THEN e.owner ELSE w.owner END AS owner, e.queue,
       (SELECT count(*) FROM delivered) AS n, (SELECT count(*) FROM told) AS t
     FROM executions e LEFT JOIN woken w ON w.id = e.id WHERE e.id = $1`,
    [executionId, kind, JSON.stringify(data)],
  );
  const row = rows[0];
  if (row === undefined) return { found: false, ended: false, owner: null, queue: '' };
  return { found: true, ended: !row.delivered, owner: row.owner, queue: row.queue };
}

/** The signals of an execution after `seq`, in order. */
export async function readSignals(pool: pg.Pool, executionId: string, seq: number): Promise<InboxSignal[]> {
  const { rows } = await pool.query<{ seq: number; kind: string; data: string }>(
    'SELECT seq, kind, data FROM inbox WHERE execution_id = $1 AND seq > $2 ORDER BY seq',
    [executionId, seq],
  );
  // What was put in was a signal, and comes out as it was.
  return rows.map(({ seq, kind, data }) => ({ seq, kind, data: JSON.parse(data) }) as InboxSignal);
}

/**
 * Those of these executions that have signals in their inbox: what a lost notification would have said.
 * Plan: Index Only Scan on inbox_pkey for each id.
 */
export async function signalledExecutions(pool: pg.Pool, executionIds: readonly string[]): Promise<string[]> {
  if (executionIds.length === 0) return [];
  const { rows } = await pool.query<{ id: string }>(
    `SELECT a.id FROM unnest($1::uuid[]) a (id)
     WHERE EXISTS (SELECT 1 FROM inbox i WHERE i.execution_id = a.id)`,
    [executionIds],
  );
  return rows.map(({ id }) => id);
}

/**
 * Ends an execution that nobody owns as ABORTED without the engine, for one that the engine cannot
 * advance. Its history ends with ExecutionAborted like any other.
 * @returns whether it was ended; false when it had ended, is owned, or does not exist.
 */
export async function abortExecution(
  pool: pg.Pool,
  executionId: string,
  error: string | undefined,
  cause: string | undefined,
): Promise<boolean> {
  const { rows } = await pool.query(
    `WITH ended AS (
       UPDATE executions SET status = 'ABORTED', end_time = now(), wake_at = NULL, snapshot = NULL, paused_at = NULL, pause_reason = NULL, held_at = NULL, needs_format = NULL,
         error = $2, cause = $3, epoch = epoch + 1
       WHERE id = $1 AND end_time IS NULL AND owner IS NULL
       RETURNING id, epoch, queue, batch_id, item_count, waited, input,
         CASE WHEN admitted_at IS NOT NULL THEN pg_notify('${GATE_CHANNEL}', state_machine_id)::text END AS called,
         (extract(epoch FROM end_time) * 1000)::bigint AS now_ms
     ), last AS (
       SELECT e.*, coalesce(j.seq, 0) AS seq, coalesce(j.first_event_id + j.event_count, 1) AS next_event_id
       FROM ended e LEFT JOIN LATERAL (
         SELECT seq, first_event_id, event_count FROM journal WHERE execution_id = e.id ORDER BY seq DESC LIMIT 1
       ) j ON true
     ), written AS (
       INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames)
       SELECT id, seq + 1, epoch, next_event_id, CASE WHEN seq = 0 THEN 2 ELSE 1 END,
         CASE WHEN seq = 0 THEN jsonb_build_array(
             jsonb_build_object('id', 1, 'previousEventId', 0, 'type', 'ExecutionStarted', 'timestamp', now_ms, 'details', jsonb_build_object('input', input::jsonb)), abort)
           ELSE jsonb_build_array(abort) END,
         jsonb_build_object('meta', jsonb_build_object('nextEventId', abort_id + 1, 'nextFrameId', 1, 'inboxSeq', 0),
           'changed', '[]'::jsonb, 'dropped', '[]'::jsonb)
       FROM last,
         LATERAL (SELECT CASE WHEN seq = 0 THEN 2 ELSE next_event_id END AS abort_id) a,
         LATERAL (SELECT jsonb_build_object('id', abort_id, 'previousEventId', 0, 'type', 'ExecutionAborted',
           'timestamp', now_ms, 
           'details', jsonb_strip_nulls(jsonb_build_object('error', $2::text, 'cause', $3::text))) AS abort) b
       RETURNING 1
     ), locked AS (
       SELECT b.id FROM batches b WHERE b.id IN (SELECT batch_id FROM ended) FOR NO KEY UPDATE
     ), counted AS (
       UPDATE batches b SET ${batchEndRule({
         succeeded: '0',
         failed: '0',
         aborted: '1',
         items: { succeeded: '0', failed: '0', aborted: '(SELECT coalesce(item_count, 1) FROM ended)' },
       })}
       FROM locked l WHERE b.id = l.id
       RETURNING b.id, b.end_time
     ), totals AS (
       INSERT INTO queue_totals (queue, worker_id, succeeded, failed)
       SELECT queue, '00000000-0000-0000-0000-000000000000', 0, 1 FROM ended
       ON CONFLICT (queue, worker_id) DO UPDATE SET failed = queue_totals.failed + excluded.failed
     ), told AS (
       SELECT pg_notify('escapement_ended', id::text)
       FROM (SELECT id FROM ended WHERE waited UNION ALL SELECT id FROM counted WHERE end_time IS NOT NULL) w
     ), read AS (DELETE FROM inbox WHERE execution_id IN (SELECT id FROM ended))
     SELECT id, (SELECT count(*) FROM written) AS w, (SELECT count(*) FROM told) AS t FROM ended`,
    [executionId, error ?? null, cause ?? null],
  );
  return rows.length > 0;
}
