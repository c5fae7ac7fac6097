/** The servers of a town: a PostgreSQL and a Redis that faults may hurt, and a PostgreSQL for the ledger that none touches. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/main/embedded-postgres.js';

export interface PostgresServer {
  url: string;
  port: number;
  /** Ends it as `pg_ctl stop -m immediate` does: no checkpoint, every session cut, and recovery at the next start. */
  crash(): Promise<void>;
  /** Starts it again on the same port and data, if it does not run. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A durable server (fsync, synchronous commits) in a directory of its own. */
export async function startPostgresServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'escapement-chaos-'));
  const launch = (port?: number): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({
      dataDir,
      scratchDir: dataDir,
      settings,
      ...(port === undefined ? {} : { port }),
    });
  const first = await launch();
  let running: EmbeddedPostgres | undefined = first;
  const pidFile = path.join(dataDir, 'postgres', 'postmaster.pid');
  return {
    url: first.url,
    port: first.port,
    crash: async () => {
      if (running === undefined) return;
      const { ended } = running;
      running = undefined;
      process.kill(Number((await readFile(pidFile, 'utf8')).split('\n')[0]), 'SIGQUIT');
      await ended;
    },
    start: async () => {
      running ??= await launch(first.port);
    },
    stop: async () => {
      await running?.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
