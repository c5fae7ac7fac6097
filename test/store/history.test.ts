import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HistoryEvent } from '../../src/engine/index.js';
import { type Database, InvalidCursor, newId, readEventRows, readHistory } from '../../src/store/index.js';
import { openStore, putHistory } from './fixtures.js';

let database: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, close } = await openStore());
});

afterAll(() => close());

function eventsFrom(first: number, count: number, size = 0): HistoryEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    id: first + index,
    previousEventId: first + index - 1,
    type: 'PassStateEntered',
    timestamp: 1000 + index,
    details: { name: 'A', input: 'x'.repeat(size) },
  }));
}

async function readAll(executionId: string, limit: number, reverse: boolean): Promise<number[]> {
  const ids: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await readHistory(database.pool, executionId, { limit, cursor, reverse });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

describe('history', () => {
  test.each([1, 3, 7, 10, 100, 1000])(
    'is read whole, in order, in pages of %p, in both directions',
    async (limit) => {
      const executionId = newId();
      await putHistory(database, executionId, eventsFrom(1, 57), 4);
      const ids = Array.from({ length: 57 }, (_, index) => index + 1);
      expect(await readAll(executionId, limit, false)).toEqual(ids);
      expect(await readAll(executionId, limit, true)).toEqual(ids.toReversed());
    },
  );

  test('goes on where it was while events are added', async () => {
    const executionId = newId();
    await putHistory(database, executionId, eventsFrom(1, 6), 3);
    const first = await readHistory(database.pool, executionId, {
      limit: 4,
      cursor: undefined,
      reverse: false,
    });
    await database.pool.query(
      `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames) VALUES ($1, 3, 1, 7, 2, $2, '{}')`,
      [executionId, JSON.stringify(eventsFrom(7, 2))],
    );
    const rest = await readHistory(database.pool, executionId, {
      limit: 10,
      cursor: first.nextCursor ?? undefined,
      reverse: false,
    });
    expect(rest.items.map(({ id }) => id)).toEqual([5, 6, 7, 8]);
    expect(rest.nextCursor).toBeNull();
  });

  test('is found whole behind checkpoints that carry no event', async () => {
    const executionId = newId();
    await putHistory(database, executionId, eventsFrom(1, 2), 2);
    for (let seq = 2; seq < 500; seq++) {
      await database.pool.query(
        `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames) VALUES ($1, $2, 1, 3, 0, '[]', '{}')`,
        [executionId, seq],
      );
    }
    await database.pool.query(
      `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, events, frames) VALUES ($1, 500, 1, 3, 1, $2, '{}')`,
      [executionId, JSON.stringify(eventsFrom(3, 1))],
    );
    expect(await readAll(executionId, 2, false)).toEqual([1, 2, 3]);
    expect(await readAll(executionId, 2, true)).toEqual([3, 2, 1]);
  });

  test('loses nothing when pages end early for their size', async () => {
    const executionId = newId();
    await putHistory(database, executionId, eventsFrom(1, 12, 3 * 1024 * 1024), 3);
    const first = await readHistory(database.pool, executionId, {
      limit: 100,
      cursor: undefined,
      reverse: false,
    });
    expect(first.items.length).toBeLessThan(12);
    expect(await readAll(executionId, 100, false)).toEqual(
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
    expect(await readAll(executionId, 1, true)).toHaveLength(12);
  });

  test('reads as much for a page at the end of a long history as at its beginning', async () => {
    const executionId = newId();
    await putHistory(database, executionId, eventsFrom(1, 20_000, 50), 4);
    let read = 0;
    const counting = Object.assign(Object.create(database.pool), {
      query: async (config: { text: string; values: unknown[] }) => {
        const result = await database.pool.query(config);
        read += result.rows.length;
        return result;
      },
    });
    const costOf = async (cursor: string | undefined): Promise<number> => {
      read = 0;
      await readHistory(counting, executionId, { limit: 50, cursor, reverse: false });
      return read;
    };
    const early = await costOf(undefined);
    let cursor: string | undefined;
    for (let page = 0; page < 18; page++) {
      cursor =
        (await readHistory(database.pool, executionId, { limit: 1000, cursor, reverse: false })).nextCursor ??
        undefined;
    }
    const late = await costOf(cursor);
    expect(early).toBeLessThan(30);
    expect(late).toBeLessThan(30);
  });

  test('comes row by row from either end', async () => {
    const executionId = newId();
    await putHistory(database, executionId, eventsFrom(1, 5), 2);
    const rows: number[][] = [];
    for await (const events of readEventRows(database.pool, executionId, { reverse: true }))
      rows.push(events.map(({ id }) => id));
    expect(rows).toEqual([[5], [3, 4], [1, 2]]);
  });

  test('refuses the cursor of the other direction', async () => {
    const executionId = newId();
    await putHistory(database, executionId, eventsFrom(1, 5), 2);
    const { nextCursor } = await readHistory(database.pool, executionId, {
      limit: 2,
      cursor: undefined,
      reverse: false,
    });
    const reading = readHistory(database.pool, executionId, {
      limit: 2,
      cursor: nextCursor ?? '',
      reverse: true,
    });
    await expect(reading).rejects.toThrow(InvalidCursor);
  });
});
