import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { guardAgainstOrphaning } from '../../src/main/orphan-guard.js';
import type { S3Settings } from '../../src/objects/index.js';

/** Something that speaks S3, of our own, gone with the process that started it. */
export interface S3Server {
  settings: S3Settings;
  createBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts moto, which plays S3 for AWS's own clients: the one on the PATH, or one that pip installs into
 * node_modules/.cache. Where neither can be had the answer is a sentence that says why; in CI it is an error, so
 * that these tests are never left out there without anybody seeing it.
 */
export async function startS3Server(): Promise<S3Server | string> {
  const program = onPath() ?? installed();
  if (program === undefined) {
    const why = 'no S3 server: install Python 3 with pip, or moto (pip install "moto[s3,server]")';
    if (process.env['CI'] !== undefined) throw new Error(why);
    process.stderr.write(`The tests of the S3 adapter are skipped: ${why}.\n`);
    return why;
  }
  const port = await freePort();
  const child = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
  });
  guardAgainstOrphaning(child);
  const endpoint = `http://127.0.0.1:${port}`;
  await untilAnswering(child, endpoint);
  const settings = {
    endpoint,
    region: 'us-east-1',
    accessKeyId: 'test',
    secretAccessKey: 'test-secret',
    forcePathStyle: true,
  };
  const { accessKeyId, secretAccessKey } = settings;
  const client = new S3Client({ ...settings, credentials: { accessKeyId, secretAccessKey } });
  return {
    settings,
    createBucket: async (name) => {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    },
    stop: async () => {
      client.destroy();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

const MOTO = 'moto[s3,server]==5.2.5';

function onPath(): string | undefined {
  return runs('moto_server') ? 'moto_server' : undefined;
}

function installed(): string | undefined {
  const home = path.join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'moto');
  const program = path.join(home, 'bin', 'moto_server');
  if (existsSync(program) && runs(program)) return program;
  process.stderr.write(`No S3 server found: installing ${MOTO} with pip.\n`);
  try {
    execFileSync('python3', ['-m', 'venv', home], { stdio: 'pipe' });
    execFileSync(path.join(home, 'bin', 'pip'), ['install', '--quiet', MOTO], { stdio: 'pipe' });
    return runs(program) ? program : undefined;
  } catch (error) {
    process.stderr.write(`pip could not install it: ${error instanceof Error ? error.message : error}\n`);
    return undefined;
  }
}

function runs(program: string): boolean {
  return spawnSync(program, ['--help'], { stdio: 'ignore', timeout: 60_000 }).status === 0;
}

async function untilAnswering(child: ChildProcess, endpoint: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (true) {
    try {
      await fetch(endpoint);
      return;
    } catch {
      // not yet
    }
    if (child.exitCode !== null)
      throw new Error(`the S3 server ended with ${child.exitCode} instead of starting`);
    if (Date.now() > deadline) throw new Error('the S3 server did not answer within a minute');
    await sleep(50);
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
