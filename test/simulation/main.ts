/** `npm run simulate`: runs seeds, in as many processes as there are cores, and prints what went wrong. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Options, readOptions, USAGE } from './options.js';
import { realNow } from './real-time.js';
import { runScenario } from './run.js';
import { makeScenario } from './scenarios.js';
import { type Failed, prepare, runSeeds, type Share, type Tally } from './seeds.js';

/** Told to a process that does a share of the runs, and what it tells. */
type Told = { share: Share };
type Tells = { failed: Failed } | { tally: Tally };

/** The argument of a process that does a share. */
const SHARE = '--share';

if (process.send !== undefined && process.argv[2] === SHARE) await doShare();
else process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  return options.trace ? trace(options) : runAll(options);
}

async function trace({ seed, bug }: Options): Promise<number> {
  prepare();
  const scenario = makeScenario(seed);
  const { trace: lines, complaints } = await runScenario(scenario, { bug, traced: true });
  process.stdout.write(`${JSON.stringify(scenario, null, 2)}\n${lines.join('\n')}\n`);
  process.stdout.write(complaints.length === 0 ? 'nothing was wrong\n' : `${complaints.join('\n')}\n`);
  return complaints.length === 0 ? 0 : 1;
}

async function runAll(options: Options): Promise<number> {
  const { seed, runs, bug, failures, shrink } = options;
  const step = Math.min(options.processes, runs);
  const startedMs = realNow();
  const failed: Failed[] = [];
  const shares = Array.from({ length: step }, (_, n): Share => {
    return { from: seed + n, until: seed + runs, step, bug, failures, shrink };
  });
  const tallies = await Promise.all(shares.map((share) => inProcess(share, (one) => failed.push(one))));
  const sum = (of: (tally: Tally) => number): number =>
    tallies.reduce((total, tally) => total + of(tally), 0);
  for (const { repro } of failed.sort((a, b) => a.seed - b.seed)) process.stdout.write(`${repro}\n\n`);
  const tookS = (realNow() - startedMs) / 1000;
  const done = sum(({ runs }) => runs);
  process.stdout.write(
    `${String(done)} runs from seed ${String(seed)} on: ${String(failed.length)} went wrong. ` +
      `${String(sum(({ executions }) => executions))} executions, ${String(sum(({ checkpoints }) => checkpoints))} checkpoints, ` +
      `${(sum(({ virtualMs }) => virtualMs) / 3_600_000).toFixed(1)} hours of virtual time; ` +
      `${String(sum(({ compared }) => compared))} compared with a run without faults. ` +
      `${tookS.toFixed(1)} s, ${(done / tookS).toFixed(0)} runs/s; ${(sum(({ cpuMs }) => cpuMs) / 1000).toFixed(0)} s of CPU.\n`,
  );
  return failed.length === 0 && done === runs ? 0 : 1;
}

async function inProcess(share: Share, onFailed: (failed: Failed) => void): Promise<Tally> {
  // Most of what a run makes is garbage with it: a larger nursery saves a tenth of the time.
  const execArgv = [...process.execArgv, '--max-semi-space-size=64'];
  const child = fork(fileURLToPath(import.meta.url), [SHARE], { execArgv });
  let tally: Tally | undefined;
  child.on('message', (said: Tells) => {
    if ('failed' in said) onFailed(said.failed);
    else tally = said.tally;
  });
  child.send({ share } satisfies Told);
  const [code] = await once(child, 'exit');
  if (tally === undefined) throw new Error(`a process of the simulation ended with ${String(code)}`);
  return tally;
}

async function doShare(): Promise<void> {
  const [{ share }] = (await once(process, 'message')) as [Told];
  // Whoever asked is gone.
  process.once('disconnect', () => process.exit(1));
  prepare();
  const tell = (said: Tells): Promise<void> =>
    new Promise((resolve) => process.send?.(said, () => resolve()));
  const told: Promise<void>[] = [];
  const tally = await runSeeds(share, (failed) => told.push(tell({ failed })));
  await Promise.all([...told, tell({ tally })]);
  // What virtual timers hold is nothing; what the code under test holds, nobody waits for.
  process.exit(0);
}
