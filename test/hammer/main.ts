/** `npm run hammer -- [--minutes 1] [--processes 6] [--break no-fence|free-first]`: ends with 1 when anything was violated. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../../src/main/embedded-postgres.js';
import { migrate } from '../../src/store/index.js';
import { asBreakage } from './breakage.js';
import { hammer } from './hammer.js';
import { reportOf } from './report.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    processes: { type: 'string', default: '6' },
    break: { type: 'string' },
  },
});

const breakage = asBreakage(values.break);
const minutes = positive('minutes', values.minutes);
const processes = positive('processes', values.processes);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const dataDir = await mkdtemp(path.join(tmpdir(), 'escapement-hammer-'));
const postgres = await startEmbeddedPostgres({
  dataDir,
  scratchDir: dataDir,
  settings: { max_connections: '400', fsync: 'off' },
});
try {
  await migrate(postgres.url);
  const outcome = await hammer({ url: postgres.url, seconds: minutes * 60, processes, breakage, say });
  say(reportOf(outcome));
  process.exitCode = outcome.violations.length > 0 ? 1 : 0;
} finally {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`--${name} is '${text}'; expected a positive number`);
}
