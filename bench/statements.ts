import type { Bench } from './ours/service.js';

/**
 * Where the database's time goes, by statement: counts from now on, and shows when it is called again.
 * Does nothing unless it was asked for, since the counting is not free.
 */
export async function showStatements({
  servers,
  options,
}: Bench): Promise<(executions: number) => Promise<void>> {
  if (!options.statements) return async () => undefined;
  await servers.admin.query('SELECT pg_stat_statements_reset()');
  return async (executions) => {
    const { rows } = await servers.admin.query<Row>(TOP);
    process.stdout.write(
      '\n      calls  rows/call    ms each   total ms  per execution      plans  ms planning  statement\n',
    );
    for (const { calls, rows: touched, total_ms, plans, plan_ms, query } of rows) {
      const cells = [
        String(calls).padStart(11),
        (touched / calls).toFixed(1).padStart(11),
        (total_ms / calls).toFixed(2).padStart(11),
        total_ms.toFixed(0).padStart(11),
        (calls / executions).toFixed(3).padStart(15),
        String(plans).padStart(11),
        plan_ms.toFixed(0).padStart(13),
      ];
      process.stdout.write(`${cells.join('')}  ${query.replace(/\s+/g, ' ').trim().slice(0, 70)}\n`);
    }
  };
}

interface Row {
  calls: number;
  rows: number;
  total_ms: number;
  plans: number;
  plan_ms: number;
  query: string;
}

const TOP = `
SELECT calls::int, rows::int, total_exec_time::float8 AS total_ms, plans::int,
  total_plan_time::float8 AS plan_ms, query
FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 12
`;
