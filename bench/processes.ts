import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { guardAgainstOrphaning } from '../src/main/orphan-guard.js';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));

export interface Process {
  pid: number;
  /** Writes a line to its standard input. */
  tell(line: string): void;
  /** The first JSON line on its standard output with this `msg`, past or to come. @throws when it ends before. */
  said(message: string): Promise<Line>;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<void>;
}

export type Line = Readonly<Record<string, unknown>>;

/** Starts Node on a file, from the repository's root, with nothing of our own environment but the PATH. */
export function startProcess(
  file: string,
  env: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Process {
  const child = spawn(process.execPath, [...nodeOptions, file], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  guardAgainstOrphaning(child);
  const lines: Line[] = [];
  const listeners = new Set<(line: Line) => void>();
  let complaints = '';
  child.stdin.on('error', () => undefined); // it has ended, which `said` tells
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4_000);
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (Number(line['level']) >= WARN) process.stderr.write(`${text}\n`);
    for (const listener of listeners) listener(line);
  });
  const ended = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    tell: (line) => void child.stdin.write(`${line}\n`),
    said: (message) =>
      new Promise((resolve, reject) => {
        const look = (line: Line): boolean => {
          if (line['msg'] !== message) return false;
          listeners.delete(look);
          resolve(line);
          return true;
        };
        if (lines.some(look)) return;
        listeners.add(look);
        void ended.then(() => reject(new Error(`${file} ended before it said '${message}': ${complaints}`)));
      }),
    stop: async () => {
      if (!isOver(child)) child.kill('SIGTERM');
      await ended;
    },
  };
}

/** What pino writes for a warning: nothing of the kind belongs into a measurement. */
const WARN = 40;

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Starts a file of the bench itself, which is TypeScript. */
export function startBenchProcess(file: string, env: Readonly<Record<string, string>>): Process {
  return startProcess(file, env, ['--import', './scripts/typescript.js']);
}
