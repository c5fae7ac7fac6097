/**
 * What many activity workers that poll cost one API process, and how soon each has a task:
 * `node --import ./scripts/typescript.js bench/waiting/pollers.ts [pollers]`, after `npm run build`. Linux only.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../statistics.js';
import { measureService } from './measure.js';
import { cpuMs, factsOf, say } from './process-facts.js';

const POLLERS = Number(process.argv[2] ?? 1000);
/** For the garbage collector and the kernel to come to rest. */
const REST_MS = 5_000;
const WATCH_MS = 10_000;
const WAIT_SECONDS = 60;

await measureService({}, async ({ url, pool, pids, call, createMachine }) => {
  const [api = 0] = pids;
  const { activityArn } = await call<{ activityArn: string }>('POST', '/activities', { name: 'polled' });
  await createMachine('polled', {
    StartAt: 'A',
    States: { A: { Type: 'Task', Resource: activityArn, End: true } },
  });
  const sessions = async (): Promise<number> =>
    (
      await pool.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'",
      )
    ).rows[0].n;
  const look = async (what: string): Promise<void> => {
    const { rssMb, sockets } = await factsOf(api);
    const begun = await cpuMs(api);
    await sleep(WATCH_MS);
    const share = ((await cpuMs(api)) - begun) / WATCH_MS;
    say(
      `${what}: ${sockets} sockets, ${await sessions()} database sessions of all processes, ` +
        `${rssMb.toFixed(1)} MB resident, ${(100 * share).toFixed(2)} % of a core`,
    );
  };
  await pollAll(url, 1, 1);
  await sleep(REST_MS);
  await look('no poller');

  const polls = pollAll(url, POLLERS, WAIT_SECONDS);
  await sleep(REST_MS);
  await look(`${POLLERS} pollers`);

  const offeredAt = performance.now();
  await call('POST', '/state-machines/polled/batch', {
    inputs: Array.from({ length: POLLERS }, (_, n) => n),
  });
  const answers = await polls;
  const taken = answers.filter(({ status }) => status === 200);
  const tokens = new Set(taken.map(({ token }) => token));
  const waits = taken.map(({ atMs }) => atMs - offeredAt);
  say(
    `${POLLERS} tasks offered by one batch: ${taken.length} polls had one, ${tokens.size} different ones; ` +
      `from the batch's request on: p50 ${percentile(waits, 0.5).toFixed(0)} ms, p99 ${percentile(waits, 0.99).toFixed(0)} ms`,
  );
  await sleep(REST_MS);
  await look('no poller again');
  if (tokens.size !== POLLERS) process.exitCode = 1;
});

interface Polled {
  status: number;
  token: string | undefined;
  atMs: number;
}

/** Each over a connection of its own. */
function pollAll(url: string, count: number, waitSeconds: number): Promise<Polled[]> {
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  return Promise.all(
    Array.from(
      { length: count },
      (_, n) =>
        new Promise<Polled>((resolve, reject) => {
          const asked = request(
            `${url}/activities/polled/task?wait=${waitSeconds}&workerName=p${n}`,
            { agent },
            (response) => {
              let text = '';
              response.on('data', (chunk: Buffer) => {
                text += chunk.toString();
              });
              response.on('end', () => {
                const atMs = performance.now();
                const body: { taskToken?: string } = text === '' ? {} : JSON.parse(text);
                resolve({ status: response.statusCode ?? 0, token: body.taskToken, atMs });
              });
            },
          );
          asked.on('error', reject);
          asked.end();
        }),
    ),
  ).finally(() => agent.destroy());
}
