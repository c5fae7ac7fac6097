/**
 * What has had its day, found and deleted in small steps.
 *
 * - Ids are ordered by time, so those that may be old enough are a range of the primary key: there is no index on
 *   end_time, which every insert and every end would pay for.
 * - What is still needed stays, however old it is: an end that its parent has not heard of, members of an open batch,
 *   children of a running parent and what a running child or map run looks up to, sources that an open batch has not come
 *   to, and what a redrive by filter has not looked at yet.
 * - Plan: Index Scan on executions_pkey, Limit; for each that is old enough, probes of the primary keys of executions and
 *   batches, and of executions_parent_id_parent_key_key and batches_parent_id_idx, which hold only what has a parent.
 */

/** Statuses and how long each is kept: $1 statuses, $2 milliseconds. */
const KEPT = 'unnest($1::text[], $2::float8[]) k (status, ms)';
const OLD = "end_time < now() - k.ms * interval '1 ms'";

/**
 * The next executions of the walk: $3 after this id, $4 before this one, $5 how many are looked at, $6 how many rows of
 * journals they may have together (one execution may have more by itself).
 */
export const EXPIRED_EXECUTIONS = `
WITH page AS MATERIALIZED (
  SELECT id, status, end_time, notify_parent, parent_id, batch_id FROM executions
  WHERE id > $3 AND id < $4 ORDER BY id LIMIT $5
), needed AS MATERIALIZED (
  -- The ids in a chunk are in order.
  SELECT unnest(c.source_ids) AS id FROM batches b JOIN batch_chunks c ON c.batch_id = b.id
  WHERE b.end_time IS NULL AND c.source_ids IS NOT NULL AND c.first_index + c.count > b.started
    AND c.source_ids[1] <= (SELECT max(id::text)::uuid FROM page) AND c.source_ids[c.count] >= (SELECT min(id::text)::uuid FROM page)
), redriving AS MATERIALIZED (
  SELECT min(cursor::text)::uuid AS cursor FROM bulk_redrives WHERE end_time IS NULL
), expired AS MATERIALIZED (
  SELECT p.id FROM page p JOIN ${KEPT} ON k.status = p.status, redriving r
  WHERE p.${OLD} AND NOT p.notify_parent
    AND (r.cursor IS NULL OR p.status = 'SUCCEEDED' OR p.id <= r.cursor)
    AND (p.batch_id IS NULL OR NOT EXISTS (SELECT 1 FROM batches b WHERE b.id = p.batch_id AND b.end_time IS NULL))
    AND (p.parent_id IS NULL OR NOT EXISTS (SELECT 1 FROM executions q WHERE q.id = p.parent_id AND q.end_time IS NULL))
    AND NOT EXISTS (
      SELECT 1 FROM executions c WHERE c.parent_id = p.id AND c.parent_key IS NOT NULL AND c.notify_parent)
    AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.parent_id = p.id AND (b.end_time IS NULL OR b.notify_parent))
    AND p.id NOT IN (SELECT id FROM needed)
), weighed AS (
  SELECT x.id, sum(coalesce(j.seq, 0)) OVER (ORDER BY x.id) - coalesce(j.seq, 0) AS before
  FROM expired x LEFT JOIN LATERAL (
    SELECT seq FROM journal WHERE execution_id = x.id ORDER BY seq DESC LIMIT 1
  ) j ON true
)
SELECT (SELECT array_agg(id ORDER BY id) FROM weighed WHERE before < $6) AS ids,
  EXISTS (SELECT 1 FROM weighed WHERE before >= $6) AS cut,
  (SELECT count(*) FROM page)::int AS looked, (SELECT max(id::text) FROM page) AS last`;

/**
 * Deletes them with all that belongs to them: $3 ids. One that was redriven meanwhile is left alone: its row is looked at
 * again under its lock. Task tokens are cleared away by themselves, a day after they are done.
 */
export const DELETE_EXECUTIONS = `
WITH gone AS MATERIALIZED (
  SELECT e.id FROM executions e JOIN ${KEPT} ON k.status = e.status
  WHERE e.id = ANY($3::uuid[]) AND e.${OLD}
  FOR UPDATE OF e SKIP LOCKED
), d1 AS (DELETE FROM journal WHERE execution_id IN (SELECT id FROM gone)),
d2 AS (DELETE FROM inbox WHERE execution_id IN (SELECT id FROM gone)),
d3 AS (DELETE FROM redrives WHERE execution_id IN (SELECT id FROM gone)),
d4 AS (DELETE FROM dead_letters WHERE execution_id IN (SELECT id FROM gone)),
d5 AS (DELETE FROM message_correlations WHERE execution_id IN (SELECT id FROM gone)),
deleted AS (DELETE FROM executions WHERE id IN (SELECT id FROM gone) RETURNING 1)
SELECT count(*)::int AS n FROM deleted`;

/**
 * Batches and map runs that are over and whose members are gone, with what is left of their sources: $3 after this id,
 * $4 how many are looked at.
 */
export const DELETE_BATCHES = `
WITH page AS MATERIALIZED (
  SELECT id, status, end_time, notify_parent, parent_id FROM batches WHERE id > $3 ORDER BY id LIMIT $4
), gone AS (
  DELETE FROM batches b USING page p, ${KEPT}
  WHERE b.id = p.id AND k.status = p.status AND p.${OLD} AND NOT p.notify_parent
    AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.batch_id = p.id)
    AND (p.parent_id IS NULL OR NOT EXISTS (SELECT 1 FROM executions q WHERE q.id = p.parent_id))
  RETURNING b.id
), chunks AS (
  DELETE FROM batch_chunks WHERE batch_id IN (SELECT id FROM gone)
)
SELECT (SELECT count(*) FROM gone)::int AS n, (SELECT count(*) FROM page)::int AS looked,
  (SELECT max(id::text) FROM page) AS last`;

/**
 * Sources of batches that are over, which nobody will read again: $1 after this batch, $2 how many chunks. Which sources
 * were never run is still told from the chunks of a batch that was stopped; inputs of a map run that were never run go
 * into its results, which its parent writes while it runs, and are run after all when the parent is redriven.
 */
export const DELETE_SPENT_CHUNKS = `
WITH page AS MATERIALIZED (
  SELECT batch_id, first_index FROM batch_chunks WHERE batch_id > $1 ORDER BY batch_id, first_index LIMIT $2
), gone AS (
  DELETE FROM batch_chunks c USING page p, batches b
  WHERE c.batch_id = p.batch_id AND c.first_index = p.first_index AND b.id = p.batch_id
    AND b.end_time IS NOT NULL AND NOT b.notify_parent AND (c.source_ids IS NULL OR b.started >= b.total)
    AND (b.parent_id IS NULL OR NOT EXISTS (SELECT 1 FROM executions q WHERE q.id = b.parent_id AND (q.end_time IS NULL
      OR b.started < b.total AND q.status <> 'SUCCEEDED' AND q.end_time > now() - interval '14 days')))
  RETURNING 1
)
SELECT (SELECT count(*) FROM gone)::int AS n, (SELECT count(*) FROM page)::int AS looked,
  (SELECT max(batch_id::text) FROM page) AS last`;
