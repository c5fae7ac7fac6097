import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardAgainstOrphaning } from '../../src/main/orphan-guard.js';

/** A Redis of our own on a free port, gone with the process that started it. */
export interface RedisServer {
  url: string;
  /** Kills it, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it had written to its append-only file. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Redis with whatever this machine has: a server on the PATH; one installed with apt, where we are
 * root on Debian; a container, where Docker runs.
 *
 * @throws Error that says what to install, when there is nothing.
 */
export async function startRedisServer(): Promise<RedisServer> {
  const launch = findLauncher();
  const port = await freePort();
  const dir = await mkdtemp(path.join(tmpdir(), 'escapement-redis-'));
  const run = async (): Promise<ChildProcess> => {
    const child = launch(port, dir);
    guardAgainstOrphaning(child, dir);
    await untilAnswering(child, port);
    return child;
  };
  let child = await run();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGINT');
      child = await run();
    },
    stop: async () => {
      await end('SIGINT');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

type Launcher = (port: number, dir: string) => ChildProcess;

function findLauncher(): Launcher {
  const found = onPath() ?? (installWithApt() ? onPath() : undefined);
  if (found !== undefined)
    return (port, dir) => serve(found, [...SETTINGS, '--port', String(port), '--dir', dir]);
  if (spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0) {
    return (port) =>
      serve('docker', [
        'run',
        '--rm',
        '--publish',
        `127.0.0.1:${port}:6379`,
        IMAGE,
        'redis-server',
        '--save',
        '',
      ]);
  }
  throw new Error(
    'The tests need a real Redis and found none. Do one of these: set REDIS_URL, install redis-server (or ' +
      'valkey-server) so that it is on the PATH, or start Docker.',
  );
}

const IMAGE = 'redis:7-alpine';
const SETTINGS = [
  '--bind',
  '127.0.0.1',
  '--save',
  '',
  '--appendonly',
  'yes',
  '--maxmemory-policy',
  'noeviction',
];

function serve(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { detached: true, stdio: 'ignore', cwd: '/' });
}

function onPath(): string | undefined {
  return ['redis-server', 'valkey-server'].find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
}

function installWithApt(): boolean {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0)
    return false;
  process.stderr.write('No Redis found: installing redis-server with apt.\n');
  // RUNLEVEL=1 keeps the package from starting a server of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const lock = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Update::Lock::Timeout=120'];
  try {
    execFileSync('apt-get', ['update', '-qq', ...lock], { env, stdio: 'pipe' });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...lock, 'redis-server'], {
      env,
      stdio: 'pipe',
    });
    return true;
  } catch (error) {
    process.stderr.write(`apt could not install it: ${error instanceof Error ? error.message : error}\n`);
    return false;
  }
}

async function untilAnswering(child: ChildProcess, port: number): Promise<void> {
  // A container's image may have to be fetched first.
  const deadline = Date.now() + 120_000;
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  while (!(await answers(port))) {
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null) throw new Error(`Redis ended with ${child.exitCode} instead of starting`);
    if (Date.now() > deadline) throw new Error('Redis did not answer within two minutes');
    await sleep(20);
  }
}

/** Whether Redis says PONG, which it does only when it has loaded its data. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [reply] = await once(socket, 'data');
    return String(reply).startsWith('+PONG');
  } catch {
    return false; // refused or cut off: not yet
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
