import type { HistoryEvent } from '../../src/engine/index.js';
import { connectDatabase, createStateMachine, type Database, newId } from '../../src/store/index.js';
import { createDatabase } from '../setup/database.js';

export const silent = { info: () => undefined, warn: () => undefined };

/** A migrated database of one's own, connected. */
export async function openStore(poolSize = 5): Promise<{ database: Database; close(): Promise<void> }> {
  const { url, drop } = await createDatabase();
  const database = connectDatabase({ url, poolSize, log: silent });
  return {
    database,
    close: async () => {
      await database.close();
      await drop();
    },
  };
}

export async function makeMachine(database: Database, stateMachineId: string): Promise<void> {
  const outcome = await createStateMachine(database, {
    stateMachineId,
    name: stateMachineId,
    description: null,
    type: 'STANDARD',
    queue: undefined,
    weight: 5,
    metadata: null,
    definition: { StartAt: 'A', States: { A: { Type: 'Succeed' } } },
  });
  if (outcome.kind !== 'created') throw new Error(`no machine ${stateMachineId}: ${outcome.kind}`);
}

/** Writes a row of `executions` as it might stand at any time; answers its id. */
export async function putExecution(database: Database, columns: Record<string, unknown>): Promise<string> {
  const row: Record<string, unknown> = {
    id: newId(),
    state_machine_id: 'm',
    version: 1,
    status: 'RUNNING',
    input: '{}',
    start_time: new Date(),
    queue: 'm',
    ...columns,
  };
  row['name'] ??= row['id'];
  const names = Object.keys(row);
  await database.pool.query(
    `INSERT INTO executions (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
  return String(row['id']);
}

/** Writes a history into the journal, with so many events a row. */
export async function putHistory(
  database: Database,
  executionId: string,
  events: readonly HistoryEvent[],
  perRow: number,
  currentState: string | null = null,
): Promise<void> {
  const rows = [];
  for (let from = 0; from < events.length; from += perRow) rows.push(events.slice(from, from + perRow));
  await database.pool.query(
    `INSERT INTO journal (execution_id, seq, epoch, first_event_id, event_count, current_state, events, frames)
     SELECT $1, n, 1, first, count, $5, events, '{}' FROM unnest($2::int[], $3::int[], $4::text[])
       WITH ORDINALITY r (first, count, events, n)`,
    [
      executionId,
      rows.map((row) => row[0]?.id),
      rows.map((row) => row.length),
      rows.map((row) => JSON.stringify(row)),
      currentState,
    ],
  );
}
