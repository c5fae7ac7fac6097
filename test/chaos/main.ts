/**
 * `npm run chaos`: real processes on a real PostgreSQL and Redis under load, and everything that can die dies.
 * Ends with 0 when nothing was lost, doubled or unsound, with 1 when something was, with 2 when it could not run.
 */
import { createWriteStream, writeFileSync } from 'node:fs';
import { type ChaosOptions, randomFrom, readOptions, USAGE } from './options.js';
import { type Leftovers, leftoversOf } from './reading.js';
import { hasFailed, report } from './report.js';
import { type Row, runFault } from './run.js';
import { startTown } from './town.js';

/** What has not ended by then hangs. */
const RECOVERY_MS = 180_000;

// Connections that were cut in the middle of something are not waited for.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: ChaosOptions | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options !== 'help') return run(options);
  process.stdout.write(USAGE);
  return 0;
}

async function run({ totalMs, faults, seed, perSecond, json, log }: ChaosOptions): Promise<number> {
  const file = log === undefined ? undefined : createWriteStream(log);
  const town = await startTown({
    leaseSeconds: 3,
    sweepSeconds: 1,
    onLine: (name, line) => file?.write(`${name} ${line}\n`),
  });
  const rows: Row[] = [];
  let left: Leftovers;
  try {
    for (const fault of faults) {
      process.stderr.write(`${fault.name} …\n`);
      const faultMs = totalMs / faults.length;
      rows.push(
        await runFault(town, fault, {
          faultMs,
          recoveryMs: RECOVERY_MS,
          perSecond,
          random: randomFrom(seed),
        }),
      );
    }
    left = await leftoversOf(town, RECOVERY_MS);
  } finally {
    await town.stop();
    file?.end();
  }
  process.stdout.write(`seed ${seed}\n\n${report(rows)}`);
  process.stdout.write(
    `\nof executions that have ended: ${left.signals} signals, ${left.tokens} open tokens\n`,
  );
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ seed, rows, left }, undefined, 2)}\n`);
  return hasFailed(rows) || left.signals + left.tokens > 0 ? 1 : 0;
}
