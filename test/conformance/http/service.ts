/** The service under test: the API and a worker as processes of their own, on one PostgreSQL, from the sources. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../../../src/main/embedded-postgres.js';
import { guardAgainstOrphaning } from '../../../src/main/orphan-guard.js';
import type { Lambda } from '../corpus.js';

export interface Service {
  url: string;
  stop(): Promise<void>;
}

/** `databaseUrl` absent: an embedded PostgreSQL, made for this run and removed after it. */
export async function startService(options: {
  functions: Readonly<Record<string, Lambda>>;
  databaseUrl?: string;
}): Promise<Service> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const scratch = await mkdtemp(path.join(tmpdir(), 'escapement-conformance-'));
    undo.push(() => rm(scratch, { recursive: true, force: true }));
    let { databaseUrl } = options;
    if (databaseUrl === undefined) {
      const postgres = await startEmbeddedPostgres({
        dataDir: path.join(scratch, 'data'),
        scratchDir: scratch,
      });
      undo.push(() => postgres.stop());
      databaseUrl = postgres.url;
    }
    const functions = path.join(scratch, 'functions.json');
    await writeFile(functions, JSON.stringify(options.functions));
    const env = {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: databaseUrl,
      PORT: '0',
      HANDLERS: fileURLToPath(new URL('handlers.ts', import.meta.url)),
      CONFORMANCE_FUNCTIONS: functions,
      LOG_LEVEL: 'info',
    };
    const started = await Promise.allSettled([startProcess('api', env), startProcess('worker', env)]);
    for (const one of started) if (one.status === 'fulfilled') undo.push(() => one.value.stop());
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    const [api] = started;
    return { url: api.status === 'fulfilled' ? String(api.value.ready['url']) : '', stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** What each process logs when it is up. */
const READY = { api: 'the API listens', worker: 'the worker takes work' };

interface Process {
  /** The line in which it said so. */
  ready: Record<string, unknown>;
  stop(): Promise<void>;
}

async function startProcess(name: 'api' | 'worker', env: Record<string, string>): Promise<Process> {
  const child = spawn(
    process.execPath,
    ['--import', './scripts/typescript.js', path.join('src', 'main', `${name}.ts`)],
    { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  guardAgainstOrphaning(child);
  const words: string[] = [];
  const hear = (stream: NodeJS.ReadableStream, onLine: (text: string) => void): void => {
    createInterface({ input: stream }).on('line', (text) => {
      words.push(text);
      if (words.length > 20) words.shift();
      onLine(text);
    });
  };
  hear(child.stderr, () => undefined);
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    hear(child.stdout, (text) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      if (line['msg'] === READY[name]) resolve(line);
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`the ${name} ended with ${String(code)}: ${words.join('\n')}`)),
    );
  });
  return { ready, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
