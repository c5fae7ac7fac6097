import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { guardAgainstOrphaning } from '../../src/main/orphan-guard.js';
import { createDatabase } from '../setup/database.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'escapement-starting-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Ran {
  code: number | null;
  out: string;
  error: string;
}

interface Running {
  /** Resolves when the text was seen on standard output. */
  says(text: string): Promise<void>;
  terminate(): void;
  ended: Promise<Ran>;
}

/** Starts a program of src/main, without a word of our own environment but the path. */
function start(program: string, words: readonly string[], env: Record<string, string>): Running {
  const file = path.join(ROOT, 'src/main', `${program}.ts`);
  const child = spawn(process.execPath, ['--import', './scripts/typescript.js', file, ...words], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  guardAgainstOrphaning(child);
  let [out, error] = ['', ''];
  let heard = (): void => undefined;
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
    heard();
  });
  child.stderr.on('data', (chunk) => {
    error += String(chunk);
  });
  return {
    says: (text) =>
      new Promise((resolve, reject) => {
        heard = () => {
          if (out.includes(text)) resolve();
        };
        heard();
        child.once('close', () => reject(new Error(`it ended: ${out}${error}`)));
      }),
    terminate: () => child.kill('SIGTERM'),
    ended: once(child, 'close').then(([code]) => ({ code, out, error })),
  };
}

async function file(name: string, text: string): Promise<string> {
  const at = path.join(directory, name);
  await writeFile(at, text);
  return at;
}

/** What a process says that cannot start: one line, and nothing else. */
async function lastWords(
  program: string,
  env: Record<string, string>,
  words: readonly string[] = [],
): Promise<string> {
  const { code, error, out } = await start(program, words, env).ended;
  expect(code).toBe(1);
  expect(out).not.toContain('"level":50');
  expect(error.trim().split('\n')).toHaveLength(1);
  return error.trim();
}

const NOWHERE = 'postgresql://nobody:secret@127.0.0.1:1/nothing';

describe('a process that cannot start says why in one line', () => {
  test.each(['worker', 'embedded'])('%s: the handlers module is not there', async (program) => {
    // The handlers come first, so that no server is started in vain: this database is never asked.
    expect(await lastWords(program, { DATABASE_URL: NOWHERE, HANDLERS: './nope.js' })).toBe(
      `HANDLERS: there is no file ${path.join(ROOT, 'nope.js')}.`,
    );
  });

  test('the handlers module does not load', async () => {
    const broken = await file('broken.mjs', '\n\nexport default {\n');
    expect(await lastWords('worker', { DATABASE_URL: NOWHERE, HANDLERS: broken })).toMatch(
      /^HANDLERS: .*broken\.mjs cannot be loaded: SyntaxError: .* \(`node --check .*broken\.mjs` says where\)$/,
    );
    const failing = await file('failing.mjs', 'export default { a: missing() };\n');
    expect(await lastWords('worker', { DATABASE_URL: NOWHERE, HANDLERS: failing })).toMatch(
      /^HANDLERS: .*: ReferenceError: missing is not defined \(file:.*failing\.mjs:1:\d+\)$/,
    );
    const needy = await file('needy.mjs', "import 'no-such-package';\nexport default {};\n");
    expect(await lastWords('worker', { DATABASE_URL: NOWHERE, HANDLERS: needy })).toMatch(/no-such-package/);
  });

  test('the database cannot be reached, and its password is not told', async () => {
    const words = await lastWords('api', { DATABASE_URL: NOWHERE });
    expect(words).toMatch(/^DATABASE_URL: PostgreSQL at 127\.0\.0\.1:1\/nothing cannot be used: /);
    expect(words).not.toContain('secret');
  });

  test('the port is taken', async () => {
    const database = await createDatabase();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      expect(await lastWords('api', { DATABASE_URL: database.url, PORT: String(port) })).toBe(
        `PORT: another process listens on port ${port} of 127.0.0.1; choose another.`,
      );
    } finally {
      other.close();
      await database.drop();
    }
  });

  test('a file to validate is not there', async () => {
    expect(await lastWords('escapement', {}, ['validate', 'nope.json'])).toBe('There is no file nope.json.');
  });
});

describe('the embedded service', () => {
  test('ends without a complaint when it is told to, and another cannot take its data meanwhile', async () => {
    const env = { DATA_DIR: path.join(directory, 'data'), PORT: '0' };
    const service = start('embedded', [], env);
    await service.says('Escapement is up');
    expect(await lastWords('embedded', env)).toMatch(/^DATA_DIR: .*data is in use.*choose another DATA_DIR$/);
    service.terminate();
    const { code, out, error } = await service.ended;
    expect({ code, error }).toEqual({ code: 0, error: '' });
    const complaints = out
      .split('\n')
      .filter((line) => line !== '')
      .map((line): { level: number } => JSON.parse(line))
      .filter(({ level }) => level >= 40);
    expect(complaints).toEqual([]);
  });
});
