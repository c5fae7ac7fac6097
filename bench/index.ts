/** `npm run bench`: ours side by side with the baselines, on servers of its own, in one run; or the language alone. */
import { bullmqBaseline } from './baselines/bullmq.js';
import { naiveBaseline } from './baselines/naive.js';
import { emptyRoute, naiveStarts } from './baselines/starts.js';
import type { Contender } from './contender.js';
import { benchGrowth } from './growth/index.js';
import { benchLanguage } from './language/index.js';
import { describeMachine } from './machine.js';
import { type BenchOptions, readOptions, USAGE } from './options.js';
import { batchContender } from './ours/batches.js';
import { latencyContender } from './ours/latency.js';
import type { Bench } from './ours/service.js';
import { ourStarts, singleStarts } from './ours/starts.js';
import { report } from './report.js';
import { measureInRounds } from './rounds.js';
import { type Servers, startServers } from './servers.js';

const options = readOptions(process.argv.slice(2));
if (options === 'help') process.stdout.write(USAGE);
else if (options.language) await benchLanguage(options, say);
else if (options.growth) await benchGrowth(options, say);
else await run(options);

async function run(options: BenchOptions): Promise<void> {
  const startedAt = performance.now();
  const servers = await startServers(options);
  try {
    const chosen = contendersOn(servers, options).filter(
      ({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part)),
    );
    for (const line of await describeMachine(servers.admin, servers.redisUrl)) say(`${line}\n`);
    say('\n');
    const measured = await measureInRounds(chosen, options.rounds, say);
    say(report(measured));
    say(
      `\n${options.rounds} rounds, medians; ${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes\n`,
    );
    if (measured.some(({ voids }) => voids.length > 0)) process.exitCode = 1;
  } finally {
    await servers.stop();
  }
}

/** The sizes are such that one measurement takes some seconds where a core does what cores did in 2026. */
function contendersOn(servers: Servers, options: BenchOptions): Contender[] {
  const bench: Bench = { servers, options };
  const sized = (count: number): number => Math.max(1, Math.round(count * options.scale));
  const seconds = Math.max(1, 4 * options.scale);
  const batches = [1, 2].flatMap((workers) => {
    const name = (mode: string): string =>
      `batch, ${mode}, ${workers === 1 ? '1 worker' : `${workers} workers`}`;
    return [
      batchContender(bench, name('distributed'), { workers, mode: 'distributed', orders: sized(15_000) }),
      batchContender(bench, name('concurrent'), {
        workers,
        mode: 'concurrent',
        orders: sized(8_000),
        concurrency: 100,
      }),
      batchContender(bench, name('sequential'), { workers, mode: 'sequential', orders: sized(500) }),
    ];
  });
  return [
    bullmqBaseline(servers, sized(30_000)),
    naiveBaseline(servers, sized(1_500), 1),
    naiveBaseline(servers, sized(2_000), 2),
    ...batches,
    singleStarts(bench, 2, sized(8_000)),
    batchContender(bench, 'batch, distributed, embedded (one process, queue in PostgreSQL)', {
      workers: 'embedded',
      mode: 'distributed',
      orders: sized(8_000),
    }),
    emptyRoute(servers, seconds),
    naiveStarts(servers, seconds),
    ourStarts(bench, seconds),
    ...([1, 'embedded'] as const).flatMap((workers) =>
      [1, 3].map((tasks) => latencyContender(bench, { tasks, requests: sized(300), workers })),
    ),
  ];
}

function say(text: string): void {
  process.stdout.write(text);
}
