/**
 * Starting executions, in group commits: whatever is asked for while a flush is on its way goes into the
 * next one. Starting is idempotent by (machine, name).
 */
import type { Json } from '../std/json.js';
import { sameJson } from '../std/json.js';
import { textArray, uuidArray } from './binary-array.js';
import type { Database } from './database.js';
import { type ExecutionRecord, findByNames } from './executions.js';
import { GroupCommit } from './group-commit.js';
import { newId } from './ids.js';
import { isItemFault } from './item-fault.js';
import { START } from './sql/start.js';

export interface StartRow {
  stateMachineId: string;
  name: string;
  /** JSON text. */
  input: string;
  /** undefined: the machine's. */
  queue: string | undefined;
  /** Not to be taken up before; undefined: now. */
  at: Date | undefined;
  /** Somebody waits for the end, so that it is to be told. */
  waited: boolean;
  sourceExecutionId: string | undefined;
  sourceStateName: string | undefined;
}

export type StartAnswer =
  | { kind: 'created'; execution: ExecutionRecord }
  /** There is one of this name, with the same input. */
  | { kind: 'existing'; execution: ExecutionRecord }
  /** There is one of this name, with another input. */
  | { kind: 'conflict'; execution: ExecutionRecord }
  /** There is no such machine, or it was deleted. */
  | { kind: 'unknownMachine' };

export interface Starts {
  /** Resolves once the execution is in PostgreSQL. Rejects with the driver's error. */
  start(row: StartRow): Promise<StartAnswer>;
}

/** Starts executions in groups: what is asked for while a statement is under way shares the next one. */
export function createStarts({ pool }: Database): Starts {
  const flush = async (rows: readonly Numbered[]): Promise<StartAnswer[]> => {
    const { rows: answered } = await pool.query<Inserted | KnownMachine>({
      name: 'start',
      text: START,
      values: [
        uuidArray(rows.map(({ id }) => id)),
        rows.map(({ row }) => row.stateMachineId),
        rows.map(({ row }) => row.name),
        textArray(rows.map(({ row }) => row.input)),
        rows.map(({ row }) => row.queue ?? null),
        rows.map(({ row }) => row.at?.getTime() ?? null),
        rows.map(({ row }) => row.waited),
        rows.map(({ row }) => row.sourceExecutionId ?? null),
        rows.map(({ row }) => row.sourceStateName ?? null),
      ],
    });
    const inserted = new Map<string, Inserted>();
    const machines = new Set<string>();
    for (const row of answered) {
      if (row.id === null) machines.add(row.machine);
      else inserted.set(row.id, row);
    }
    const taken = rows.filter(({ id, row }) => machines.has(row.stateMachineId) && !inserted.has(id));
    // A statement of its own: the insert waited for others' inserts, which its own snapshot does not show.
    const found =
      taken.length === 0
        ? []
        : await findByNames(
            pool,
            taken.map(({ row }) => row),
          );
    const byKey = new Map(found.map((execution) => [keyOf(execution), execution]));
    // Retention has deleted it since: the name is free.
    const freed = taken.filter(({ row }) => !byKey.has(keyOf(row)));
    const again = freed.length === 0 ? [] : await flush(freed);
    const second = new Map(freed.map(({ id }, index) => [id, again[index]]));
    return rows.map((asked) => {
      const answer = second.get(asked.id);
      if (answer !== undefined) return answer;
      if (!machines.has(asked.row.stateMachineId)) return { kind: 'unknownMachine' };
      const made = inserted.get(asked.id);
      if (made !== undefined) return { kind: 'created', execution: asNew(asked, made) };
      const execution = byKey.get(keyOf(asked.row));
      if (execution === undefined) throw new Error('an execution that was there is gone');
      return { kind: isSameText(execution.input, asked.row.input) ? 'existing' : 'conflict', execution };
    });
  };

  const starts = new GroupCommit<Numbered, StartAnswer>({
    flush,
    isItemFault,
    sizeOf: ({ row }) => row.input.length + 200,
    maxItems: FLUSH_MAX,
    maxBytes: FLUSH_MAX_BYTES,
  });
  return { start: (row) => starts.submit({ id: newId(), row }) };
}

/** More rows gain nothing more and make the first of them wait for the last. */
const FLUSH_MAX = 500;

/** A few of the largest inputs; more in one statement would hold up the small ones noticeably. */
const FLUSH_MAX_BYTES = 4 * 1024 * 1024;

interface Numbered {
  id: string;
  row: StartRow;
}

interface Inserted {
  id: string;
  version: number;
  queue: string;
  start_time: Date;
  held_at: Date | null;
}

interface KnownMachine {
  id: null;
  machine: string;
}

function asNew({ id, row }: Numbered, made: Inserted): ExecutionRecord {
  return {
    executionId: id,
    stateMachineId: row.stateMachineId,
    version: made.version,
    name: row.name,
    status: 'RUNNING',
    currentState: null,
    input: row.input,
    output: null,
    error: null,
    cause: null,
    startTime: made.start_time,
    endTime: null,
    queue: made.queue,
    batchId: null,
    sourceExecutionId: row.sourceExecutionId ?? null,
    parentExecutionId: null,
    redriveCount: 0,
    redriveDate: null,
    pausedAt: null,
    pauseReason: null,
    heldAt: made.held_at,
    scheduleId: null,
    scheduledTime: null,
  };
}

/** Neither ids nor names have line breaks. */
function keyOf({ stateMachineId, name }: { stateMachineId: string; name: string }): string {
  return `${stateMachineId}\n${name}`;
}

/** The same JSON, however it is written. */
function isSameText(a: string, b: string): boolean {
  return a === b || sameJson(JSON.parse(a) as Json, JSON.parse(b) as Json);
}
