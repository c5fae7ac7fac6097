/** One fault after the other on one town: load and fault together, then heal, wait until all has ended, and judge. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.js';
import { startLoad } from './load.js';
import { countOpen, examine } from './reading.js';
import type { Town } from './town.js';
import type { Finding } from './verdict.js';

export interface Row {
  fault: string;
  what: string;
  /** How long it hurt, in s. */
  seconds: number;
  executions: number;
  requests: number;
  unanswered: number;
  lost: number;
  doubled: number;
  /** What else does not add up; processes that ended by themselves; answers that there should not be. */
  unsound: number;
  /** Calls that came too late to count, of processes that had been frozen or cut off. */
  late: number;
  /** From the end of the fault to the end of what was open then, in ms; null: nothing was. */
  recoveryP50Ms: number | null;
  recoveryMaxMs: number | null;
  findings: string[];
}

export interface RunOptions {
  /** Of each fault, in ms, unless it needs longer. */
  faultMs: number;
  /** What has not ended then is lost, in ms after the fault. */
  recoveryMs: number;
  perSecond: number;
  random: () => number;
}

export async function runFault(town: Town, fault: Fault, options: RunOptions): Promise<Row> {
  const { random, perSecond } = options;
  const deathsBefore = town.members.flatMap(({ deaths }) => deaths).length;
  const since = await databaseTime(town);
  const label = `${fault.name}-${since.getTime()}`;
  const load = startLoad(town, { perSecond, batchSize: 30, batchEveryMs: 2_000, random, label });
  await sleep(WARM_MS);

  const durationMs = Math.max(options.faultMs, fault.atLeastMs?.(town) ?? 0);
  const struckAt = performance.now();
  await fault.strike(town, { signal: AbortSignal.timeout(durationMs), random });
  const seconds = (performance.now() - struckAt) / 1000;
  const healing = town.heal();
  const healedAt = await databaseTime(town);
  await healing;
  await load.stopStarting();
  await untilAllEnded(town, options.recoveryMs);
  await load.stop();

  const { account } = load;
  const { executions, findings } = await examine(town, since, account);
  const recovery = await recoveryTimes(town, since, healedAt);
  const unwished = [
    ...town.members.flatMap(({ deaths }) => deaths).slice(deathsBefore),
    ...account.wrong.map((answer) => `an answer that there should not be: ${answer}`),
  ];
  // Nobody froze, so nobody can have been late: then it is a task that was run twice.
  const isDoubled = ({ complaint }: Finding): boolean =>
    complaint === 'doubled' || (complaint === 'late' && fault.wakesTheDead !== true);
  const count = (complaint: Finding['complaint']): number =>
    findings.filter((finding) => finding.complaint === complaint).length;
  return {
    fault: fault.name,
    what: fault.what,
    seconds,
    executions,
    requests: account.requests,
    unanswered: account.unanswered + [...account.refused.values()].reduce((sum, n) => sum + n, 0),
    lost: count('lost'),
    doubled: findings.filter(isDoubled).length,
    unsound: count('unsound') + unwished.length,
    late: fault.wakesTheDead === true ? count('late') : 0,
    ...recovery,
    findings: [
      ...findings.map(({ complaint, executionId, what }) => `${complaint}: ${executionId}: ${what}`),
      ...unwished,
    ],
  };
}

/** Something is under way when the fault begins. */
const WARM_MS = 1_000;

/** By the database's clock; asked until it answers. */
async function databaseTime({ database }: Town): Promise<Date> {
  for (;;) {
    try {
      const { rows } = await database.query<{ now: Date }>('SELECT clock_timestamp() AS now');
      if (rows[0] !== undefined) return rows[0].now;
    } catch {
      await sleep(20); // it is being started
    }
  }
}

async function untilAllEnded({ database }: Town, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const open = await countOpen(database).catch(() => Number.NaN);
    if (open === 0) return;
    await sleep(50);
  }
}

/** What had been started and not ended when the fault was over, and how long after that it ended. */
async function recoveryTimes(
  { database }: Town,
  since: Date,
  healedAt: Date,
): Promise<Pick<Row, 'recoveryP50Ms' | 'recoveryMaxMs'>> {
  const { rows } = await database.query<Pick<Row, 'recoveryP50Ms' | 'recoveryMaxMs'>>(
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS "recoveryP50Ms", max(ms) AS "recoveryMaxMs" FROM (
       SELECT (extract(epoch FROM end_time - $2::timestamptz) * 1000)::float8 AS ms FROM executions
       WHERE start_time >= $1 AND start_time < $2 AND end_time > $2
     ) open`,
    [since, healedAt],
  );
  return rows[0] ?? { recoveryP50Ms: null, recoveryMaxMs: null };
}
