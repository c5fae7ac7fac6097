/**
 * The history of an execution: its journal, read.
 *
 * A cursor carries the last event's id and the journal row that it was in, so a page costs what it holds,
 * however long the history is. Rows are only ever appended, so pages are stable while it grows.
 */
import type pg from 'pg';
import type { HistoryEvent } from '../engine/index.js';
import { decodeCursor, encodeCursor, PAGE_BYTES, type PageOf, type PageQuery } from './cursor.js';

/** A page of events, oldest first or (`reverse`) newest first. */
export async function readHistory(
  pool: pg.Pool,
  executionId: string,
  { limit, cursor, reverse }: PageQuery & { reverse: boolean },
): Promise<PageOf<HistoryEvent>> {
  const list = reverse ? 'history-reverse' : 'history';
  const [lastId, lastSeq] =
    cursor === undefined ? [undefined, undefined] : decodeCursor(list, cursor, ['integer', 'integer']);
  const isLeft = ({ id }: HistoryEvent): boolean =>
    lastId === undefined || (reverse ? id < lastId : id > lastId);

  const found: { event: HistoryEvent; seq: number }[] = [];
  let bytes = 0;
  for await (const { seq, events, size } of readRows(pool, executionId, {
    fromSeq: lastSeq,
    reverse,
    wanted: limit + 1,
  })) {
    const left = (reverse ? events.toReversed() : events).filter(isLeft);
    for (const event of left) found.push({ event, seq });
    if (left.length > 0) bytes += size;
    if (found.length > limit || bytes > PAGE_BYTES) break;
  }
  const items = found.slice(0, limit);
  const last = items.at(-1);
  // A page cut for its size does not know whether more follows; an empty last page is no harm.
  const more = found.length > limit || bytes > PAGE_BYTES;
  return {
    items: items.map(({ event }) => event),
    nextCursor: more && last !== undefined ? encodeCursor(list, [last.event.id, last.seq]) : null,
  };
}

/** All events, by journal row, oldest or newest row first; the events in a row are always oldest first. */
export async function* readEventRows(
  pool: pg.Pool,
  executionId: string,
  { reverse = false }: { reverse?: boolean } = {},
): AsyncGenerator<HistoryEvent[]> {
  for await (const { events } of readRows(pool, executionId, {
    fromSeq: undefined,
    reverse,
    wanted: CHUNK_EVENTS,
  }))
    yield events;
}

interface Row {
  seq: number;
  events: HistoryEvent[];
  /** Length of the text. */
  size: number;
}

/**
 * Journal rows from a seq on (it included), in chunks that are capped by events and bytes.
 * Plan: Index Scan using journal_pkey, in either direction; the window adds up sizes without fetching values.
 */
async function* readRows(
  pool: pg.Pool,
  executionId: string,
  { fromSeq, reverse, wanted }: { fromSeq: number | undefined; reverse: boolean; wanted: number },
): AsyncGenerator<Row> {
  const [compare, order] = reverse ? ['<=', 'DESC'] : ['>=', 'ASC'];
  let from = fromSeq ?? (reverse ? SEQ_MAX : 0);
  for (;;) {
    const { rows } = await pool.query<{ seq: number; events: string }>({
      name: `read_history_${order}`,
      text: `SELECT seq, events FROM (
          SELECT j.*,
            sum(octet_length(j.events)) OVER sofar - octet_length(j.events) AS bytes_before,
            sum(j.event_count) OVER sofar - j.event_count AS events_before
          FROM (
            SELECT seq, event_count, events FROM journal
            WHERE execution_id = $1 AND seq ${compare} $2 ORDER BY seq ${order} LIMIT $3
          ) j WINDOW sofar AS (ORDER BY j.seq ${order})
        ) r WHERE bytes_before < $4 AND events_before < $5 ORDER BY seq ${order}`,
      values: [executionId, from, CHUNK_ROWS, CHUNK_BYTES, wanted],
    });
    for (const { seq, events } of rows)
      yield { seq, events: JSON.parse(events) as HistoryEvent[], size: events.length };
    const last = rows.at(-1);
    if (last === undefined) return;
    from = last.seq + (reverse ? -1 : 1);
  }
}

/** Rows that one statement fetches: most have a few events each. */
const CHUNK_ROWS = 200;

/** Events that one statement fetches when all are wanted. */
const CHUNK_EVENTS = 1_000;

const CHUNK_BYTES = 4 * 1024 * 1024;

/** The largest integer. */
const SEQ_MAX = 2 ** 31 - 1;
