/** The embedded service as a process of its own, with an example's handlers, spoken to over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { guardAgainstOrphaning } from '../../src/main/orphan-guard.js';
import { createDatabase } from '../setup/database.js';

const ROOT = path.join(import.meta.dirname, '../..');

export const EXAMPLES = path.join(ROOT, 'examples');

// biome-ignore lint/suspicious/noExplicitAny: an answer's shape is what the tests look at.
export type Answer = any;

export interface ExampleService {
  url: string;
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }>;
  /** Makes the machine of an example, whose id is the example's name. */
  makeMachine(example: string): Promise<void>;
  /** Starts an execution of it; answers its id. */
  start(example: string, input: object): Promise<string>;
  /** The execution, once it has ended. */
  ended(executionId: string): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startExampleService(env: Record<string, string> = {}): Promise<ExampleService> {
  const database = await createDatabase();
  const port = env['PORT'] ?? String(await freePort());
  const started = await startProgram(process.execPath, ['dist/main/embedded.js'], {
    env: { DATABASE_URL: database.url, PORT: port, SWEEP_SECONDS: '1', ...env },
    ready: /Escapement is up/,
  });
  const url = `http://127.0.0.1:${port}`;
  const call: ExampleService['call'] = async (method, at, body) => {
    const response = await fetch(`${url}${at}`, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as Answer) };
  };
  return {
    url,
    call,
    makeMachine: async (example) => {
      const text = await readFile(path.join(EXAMPLES, example, 'definition.json'), 'utf8');
      const made = { id: example, name: example, definition: JSON.parse(text) };
      const { status, body } = await call('POST', '/state-machines', made);
      if (status !== 201) throw new Error(`${example} was refused: ${JSON.stringify(body)}`);
    },
    start: async (example, input) => {
      const { body } = await call('POST', `/state-machines/${example}/executions`, { input });
      return body.executionId;
    },
    ended: (id) =>
      until(
        async () => (await call('GET', `/executions/${id}`)).body,
        ({ status }) => status !== 'RUNNING',
      ),
    stop: async () => {
      await started.end();
      await database.drop();
    },
  };
}

export interface Program {
  child: ChildProcess;
  /** What it has said so far, a line each. */
  lines: string[];
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a program and waits until it says that it is ready. */
export async function startProgram(
  command: string,
  words: readonly string[],
  { env, ready }: { env: Record<string, string>; ready: RegExp },
): Promise<Program> {
  const child = spawn(command, words, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardAgainstOrphaning(child);
  const lines: string[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (ready.test(line)) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command} ended with ${String(code)}: ${errors}`)));
  });
  return {
    child,
    lines,
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

/** Asks until the answer fits. */
export async function until<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still not: ${JSON.stringify(answer)?.slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
