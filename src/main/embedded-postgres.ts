import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, link, mkdir, readFile, readlink, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardAgainstOrphaning } from './orphan-guard.js';
import { findPostgresAccount, type PostgresAccount } from './postgres-account.js';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import { StartError } from './start-error.js';

interface EmbeddedPostgresOptions {
  /** Made if it does not exist; relative to the working directory. Holds the cluster and its password. */
  dataDir: string;
  /** A free one by default. */
  port?: number;
  /** Further server settings, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
  /** Removed when this process dies without stopping the server: for tests. */
  scratchDir?: string;
  /** Gets the server's own log, line by line. */
  log?: (line: string) => void;
}

export interface EmbeddedPostgres {
  url: string;
  port: number;
  /** Resolves with the reason when the server ends, asked or not. */
  ended: Promise<string>;
  /** Ends its sessions, writes a checkpoint and stops. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server of our own on `dataDir`, on loopback only, with a password that lies beside the
 * data, readable by nobody else. A server that a killed process left behind is waited for; one that somebody
 * is using is not touched.
 *
 * @throws StartError when the data directory is in use; Error with the server's own words when it does not start.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = path.resolve(options.dataDir);
  const cluster = path.join(home, 'postgres');
  await mkdir(home, { recursive: true, mode: 0o755 });
  const binaries = await findPostgresBinaries();
  const account = findPostgresAccount([binaries.postgres, home]);
  const password = await readPassword(path.join(home, 'postgres.password'));

  if (!(await exists(cluster))) await initialise(binaries, account, cluster, password);
  await awaitPredecessor(cluster);
  const port = options.port ?? (await freePort());
  const server = await launchPatiently(() => launch(binaries, account, cluster, port, options));
  return {
    url: `postgresql://${USER}:${password}@127.0.0.1:${port}/postgres`,
    port,
    ended: server.ended,
    stop: () => stop(server),
  };
}

const USER = 'postgres';

/** How long a server that lost its process may take to stop, and a starting one to recover its log. */
const PREDECESSOR_MS = 5_000;
const START_MS = 60_000;

async function readPassword(file: string): Promise<string> {
  if (!(await exists(file))) {
    const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
    await writeFile(draft, randomBytes(24).toString('base64url'), { mode: 0o600 });
    // `link` does not overwrite: two that start at once agree on the password of whoever was first.
    await link(draft, file).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await unlink(draft);
  }
  return readFile(file, 'utf8');
}

/** Makes the cluster under another name and renames it, so that an interrupted one is never taken for whole. */
async function initialise(
  binaries: PostgresBinaries,
  account: PostgresAccount,
  cluster: string,
  password: string,
): Promise<void> {
  const unfinished = `${cluster}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const passwordFile = `${unfinished}.password`;
  try {
    await mkdir(unfinished, { mode: 0o700 });
    await account.own(unfinished);
    await writeFile(passwordFile, password, { mode: 0o600 });
    await account.own(passwordFile);
    const command = account.command(binaries.initdb, [
      `--pgdata=${unfinished}`,
      `--username=${USER}`,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      // The same order and letters on every machine, whatever its locales.
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ]);
    const initdb = spawn(command.file, command.args, {
      ...ids(command),
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
    });
    const words = collect(initdb);
    const code = await exitOf(initdb);
    if (code !== '0') throw new Error(`initdb failed (${code}): ${words.join('\n')}`);
    await rename(unfinished, cluster).catch(async (error) => {
      if (!(await exists(cluster))) throw error; // else another process was faster; its cluster is as good
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
    await rm(passwordFile, { force: true });
  }
}

/**
 * Waits for a server that is still there from before. One whose process was killed is being stopped by its
 * guard and goes in a moment; one that stays belongs to somebody. A file that names a process which is not a
 * server of this directory (after a crash of the machine) is removed: PostgreSQL itself would take any
 * process of that number for its own.
 */
async function awaitPredecessor(cluster: string): Promise<void> {
  const deadline = Date.now() + PREDECESSOR_MS;
  const file = path.join(cluster, 'postmaster.pid');
  for (;;) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    const pid = Number(lines[0]);
    if (!Number.isInteger(pid) || pid <= 0) return;
    const standing = await standingOf(pid, cluster);
    if (standing === 'stranger') await rm(file, { force: true });
    if (standing !== 'server') return;
    if (Date.now() > deadline) {
      throw new StartError(
        `DATA_DIR: ${path.dirname(cluster)} is in use: a PostgreSQL server (process ${pid}, port ${lines[3]}) runs on it; ` +
          'stop the other process, or choose another DATA_DIR',
      );
    }
    await sleep(50);
  }
}

async function standingOf(pid: number, cluster: string): Promise<'gone' | 'stranger' | 'server'> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return 'gone';
  }
  // The server works in its data directory. Where that cannot be seen, its word in the file is believed.
  const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => cluster);
  return workingDir === cluster ? 'server' : 'stranger';
}

/** A killed server's sessions hold its shared memory for a moment longer. */
async function launchPatiently(start: () => Promise<Server>): Promise<Server> {
  const deadline = Date.now() + PREDECESSOR_MS;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      const passing = error instanceof Error && error.message.includes('still in use');
      if (!passing || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

interface Server {
  child: ChildProcess;
  ended: Promise<string>;
}

async function launch(
  binaries: PostgresBinaries,
  account: PostgresAccount,
  cluster: string,
  port: number,
  options: EmbeddedPostgresOptions,
): Promise<Server> {
  const settings = { ...SETTINGS, port: String(port), ...options.settings };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = account.command(binaries.postgres, ['-D', cluster, ...flags]);
  const child = spawn(command.file, command.args, {
    ...ids(command),
    detached: true, // Ctrl-C is for us; the server is stopped when we are done with it
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  guardAgainstOrphaning(child, options.scratchDir);
  const words = collect(child, options.log);
  const ended = exitOf(child);

  const outcome = await Promise.race([ended, untilReady(cluster, child)]);
  if (outcome === 'ready') return { child, ended };
  child.kill('SIGINT');
  throw new Error(`PostgreSQL did not start (${outcome}): ${words.join('\n')}`);
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // One process has about 40 sessions; the rest is for further workers and for who looks in with psql.
  max_connections: '200',
  log_checkpoints: 'off',
};

async function untilReady(cluster: string, child: ChildProcess): Promise<string> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const lines = (await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return 'ready';
    await sleep(20);
  }
  return `not ready after ${START_MS / 1000} s`;
}

async function stop({ child, ended }: Server): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT'); // "fast": sessions are ended
  await ended;
}

/** Keeps the last lines of what a program says, for the error message if it fails. */
function collect(child: ChildProcess, log?: (line: string) => void): string[] {
  const words: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      words.push(line);
      if (words.length > 20) words.shift();
      log?.(line);
    });
  }
  return words;
}

/** The exit code or the signal, once all that the program said has been read. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(String(code ?? signal)));
  });
}

function ids(command: { uid?: number; gid?: number }): { uid?: number; gid?: number } {
  return command.uid === undefined || command.gid === undefined ? {} : { uid: command.uid, gid: command.gid };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port found');
  return address.port;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
