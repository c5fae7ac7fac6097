import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/main/embedded-postgres.js';

let dataDir = '';

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'escapement-embedded-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

async function ask(url: string, question: string): Promise<unknown> {
  const client = new pg.Client(url);
  client.on('error', () => {}); // the server may be stopped under it
  await client.connect();
  try {
    const { rows } = await client.query({ text: question, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

describe('the embedded PostgreSQL', () => {
  test('keeps its data and its password from one start to the next', async () => {
    const first = await startEmbeddedPostgres({ dataDir });
    await ask(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await startEmbeddedPostgres({ dataDir });
    expect(await ask(second.url, 'SELECT answer FROM kept')).toBe(42);
    expect(await ask(second.url, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await ask(second.url, 'SHOW max_connections')).toBe('200');
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
    await second.stop();
    expect((await stat(path.join(dataDir, 'postgres.password'))).mode & 0o777).toBe(0o600);
  });

  test('takes a relative data directory, and lets nobody in without the password', async () => {
    const server = await startEmbeddedPostgres({ dataDir: path.relative(process.cwd(), dataDir) });
    const stranger = new URL(server.url);
    stranger.password = 'wrong';
    await expect(ask(stranger.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    await server.stop();
  });

  test('refuses a data directory that somebody is using, and leaves that one alone', async () => {
    const server = await startEmbeddedPostgres({ dataDir });
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/is in use.*another DATA_DIR/);
    expect(await ask(server.url, 'SELECT 1')).toBe(1);
    await server.stop();
  });

  test('starts again after the server was killed', async () => {
    const first = await startEmbeddedPostgres({ dataDir });
    await ask(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const pid = Number(
      (await readFile(path.join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0],
    );
    process.kill(pid, 'SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    const second = await startEmbeddedPostgres({ dataDir });
    expect(await ask(second.url, 'SELECT answer FROM kept')).toBe(42);
    await second.stop();
  });

  test('starts although its old process number now belongs to another program', async () => {
    const first = await startEmbeddedPostgres({ dataDir });
    const file = path.join(dataDir, 'postgres/postmaster.pid');
    const [, ...rest] = (await readFile(file, 'utf8')).split('\n');
    await first.stop();
    const bystander = spawn('sleep', ['60'], { cwd: '/' });
    try {
      await writeFile(file, [bystander.pid, ...rest].join('\n'));
      const second = await startEmbeddedPostgres({ dataDir });
      expect(await ask(second.url, 'SELECT 1')).toBe(1);
      await second.stop();
    } finally {
      bystander.kill();
    }
  });

  test('does not outlive a process that is killed, and its successor starts at once', async () => {
    const file = path.resolve('dist/main/embedded-postgres.js');
    const script = `const { startEmbeddedPostgres } = await import(${JSON.stringify(file)});
      const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
      console.log(server.url); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { env: plainEnv() });
    const errors: string[] = [];
    owner.stderr.on('data', (chunk) => errors.push(String(chunk)));
    const started = await Promise.race([once(owner.stdout, 'data'), once(owner, 'exit')]);
    expect({ started: String(started[0]), errors }).toEqual({
      started: expect.stringMatching(/^postgres/),
      errors: [],
    });
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const successor = await startEmbeddedPostgres({ dataDir });
    expect(await ask(successor.url, 'SELECT 1')).toBe(1);
    await successor.stop();
    expect(processesIn(dataDir)).toBe('');
  });

  test('reports in the words of the server why it did not start', async () => {
    await expect(startEmbeddedPostgres({ dataDir, settings: { shared_buffers: 'many' } })).rejects.toThrow(
      /shared_buffers/,
    );
  });
});

function plainEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] };
}

function processesIn(dir: string): string {
  const all = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' });
  return all
    .split('\n')
    .filter((line) => line.includes(dir))
    .join('\n');
}
