/**
 * What becomes of requests when there are far too many: with the API's limits, and without them.
 * `node --import ./scripts/typescript.js bench/waiting/overload.ts [clients] [seconds]`, after `npm run build`.
 */
import { Agent, request } from 'node:http';
import { readOptions } from '../options.js';
import { withService } from '../ours/service.js';
import { startServers } from '../servers.js';
import { percentile } from '../statistics.js';
import { say } from './process-facts.js';

const CLIENTS = Number(process.argv[2] ?? 500);
const SECONDS = Number(process.argv[3] ?? 10);
/** Every so many requests one that keeps a session busy: statistics over all executions. */
const HEAVY_EVERY = 5;
const EXECUTIONS = 30_000;
/** All clients come at once, before anybody can know how long they take: they are not counted. */
const RUN_UP_MS = 3_000;

const START = '/state-machines/busy/executions';
const HEAVY = '/state-machines/busy/statistics';

const WITHOUT = { OVERLOAD_LOOP_DELAY_MS: '0', OVERLOAD_SESSION_WAIT_MS: '0' };
const options = readOptions([]);
if (options === 'help') throw new Error('there are no options here');
const servers = await startServers(options);
try {
  say('| limits | accepted | refused | accepted p50 | p99 | max |');
  say('|---|---:|---:|---:|---:|---:|');
  for (const [name, env] of [
    ['none', WITHOUT],
    ['as they are', {}],
  ] as const) {
    await withService(
      { servers, options: { ...options, env } },
      { workers: 1 },
      async ({ url, call, createMachine, pool }) => {
        await createMachine('busy', { StartAt: 'A', States: { A: { Type: 'Succeed' } } });
        await call('POST', '/state-machines/busy/batch', {
          mode: 'distributed',
          inputs: Array.from({ length: EXECUTIONS }, (_, n) => n),
        });
        const over = async (): Promise<boolean> =>
          (await pool.query('SELECT 1 FROM batches WHERE end_time IS NULL')).rowCount === 0;
        while (!(await over())) await new Promise((resolve) => setTimeout(resolve, 200));
        say(rowOf(name, await press(url)));
      },
    );
  }
} finally {
  await servers.stop();
}

interface Pressed {
  accepted: number[];
  refused: number;
}

/** Each client sends one request after another; one that is refused comes back after a second, as it was told. */
async function press(url: string): Promise<Pressed> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const accepted: number[] = [];
  let refused = 0;
  const fromMs = performance.now() + RUN_UP_MS;
  const untilMs = fromMs + SECONDS * 1000;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let n = client; performance.now() < untilMs; n++) {
        const begunAt = performance.now();
        const isHeavy = n % HEAVY_EVERY === 0;
        const status = await send(agent, `${url}${isHeavy ? HEAVY : START}`, isHeavy ? 'GET' : 'POST');
        if (status < 300) {
          if (begunAt >= fromMs) accepted.push(performance.now() - begunAt);
        } else if (status === 503) {
          refused++;
          await new Promise((resolve) => setTimeout(resolve, 1000));
        } else throw new Error(`status ${status}`);
      }
    }),
  );
  agent.destroy();
  return { accepted, refused };
}

function send(agent: Agent, url: string, method: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { agent, method }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}

function rowOf(name: string, { accepted, refused }: Pressed): string {
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(accepted, share));
  return `| ${name} | ${accepted.length} | ${refused} | ${ms(p50 ?? 0)} | ${ms(p99 ?? 0)} | ${ms(max ?? 0)} |`;
}
