/** Which worker leads a batch, and what a leader reads. */

/** What a leader knows of its batch. */
const LED = `b.id, b.mode, b.status, b.concurrency, b.stop_on_error, b.queue, b.source_state_name, b.source_transformer, b.total, b.started,
  b.succeeded + b.failed + b.aborted AS ended, b.batched, b.to_redrive, b.redrive_index`;

/** Like a claim of executions, under the worker's own row: $1 worker, $2 batch. */
export const CLAIM_BATCH = `
WITH me AS MATERIALIZED (
  SELECT id FROM workers WHERE id = $1 FOR KEY SHARE
)
UPDATE batches b SET owner = me.id FROM me
WHERE b.id = $2 AND b.owner IS NULL AND b.end_time IS NULL AND b.status <> 'RECEIVING'
RETURNING ${LED}`;

export const READ_LED_BATCH = `SELECT ${LED} FROM batches b WHERE b.id = $2 AND b.owner = $1 AND b.end_time IS NULL`;

export const RELEASE_BATCH = 'UPDATE batches SET owner = NULL WHERE id = $2 AND owner = $1';

/**
 * Batches that need a leader and have none. A distributed one or a map run whose members are all created
 * runs on without. Plan: Index Scan on batches_open_idx, which holds only what is not over.
 */
export const OPEN_BATCHES = `
SELECT id, queue, status <> 'RUNNING' AS stopping FROM batches
WHERE end_time IS NULL AND owner IS NULL AND status <> 'RECEIVING'
  AND NOT (mode IN ('distributed', 'mapRun') AND status = 'RUNNING' AND started >= total AND to_redrive = 0)
ORDER BY id LIMIT $1`;

/** $1 batch, $2 index. Plan: Index Scan Backward on batch_chunks_pkey, one row. */
export const READ_CHUNK = `
SELECT first_index, count, inputs, source_ids FROM batch_chunks
WHERE batch_id = $1 AND first_index <= $2 ORDER BY first_index DESC LIMIT 1`;

/** $1 batch, $2 from index, $3 limit. What is runnable is what a claim would take. Plan: Index Scan on executions_batch_id_batch_index_idx. */
export const OPEN_MEMBERS = `
SELECT id, batch_index, owner IS NULL AND wake_at IS NOT NULL AND wake_at <= now() + interval '25 ms' AS runnable FROM executions
WHERE batch_id = $1 AND batch_index >= $2 AND end_time IS NULL ORDER BY batch_index LIMIT $3`;

/** $1 ids. */
export const READ_SOURCES = `
SELECT e.id, e.name, e.state_machine_id, e.status, e.output FROM executions e WHERE e.id = ANY($1::uuid[])`;

/**
 * The checkpoints of sources that may speak of a state: $1 ids, $2 the state's name as JSON text. The
 * events are text, so this only looks for the quoted name; who reads them knows better.
 * Plan: Index Scan on journal_pkey for each id, Filter.
 */
export const READ_SOURCE_EVENTS = `
SELECT j.execution_id, j.events FROM unnest($1::uuid[]) s (id)
JOIN journal j ON j.execution_id = s.id AND strpos(j.events, $2) > 0
ORDER BY j.execution_id, j.seq`;
