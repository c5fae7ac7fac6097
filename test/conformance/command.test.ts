import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/std/json.js';

const DONE = { Type: 'Succeed' };

const CASES: Record<string, JsonObject[]> = {
  pass: [
    caseOf('pass/as-recorded', { Type: 'Pass', Result: 1, End: true }, { status: 'SUCCEEDED', output: 1 }),
    caseOf('pass/another-output', { Type: 'Pass', Result: 1, End: true }, { status: 'SUCCEEDED', output: 2 }),
  ],
  fail: [
    caseOf(
      'fail/another-cause',
      { Type: 'Fail', Error: 'E', Cause: 'C' },
      {
        status: 'FAILED',
        error: 'E',
        cause: 'D',
        events: [],
      },
    ),
    {
      ...caseOf('fail/refused', { Type: 'Pass' }, {}),
      kind: 'create-error',
      expected: { apiError: { code: 'InvalidDefinition', message: '<another>' } },
    },
    { ...caseOf('fail/not-for-this-runner', DONE, {}), kind: 'api-trace' },
  ],
  later: [
    caseOf(
      'later/activity',
      { Type: 'Task', Resource: 'arn:aws:states:us-east-1:000000000000:activity:a', End: true },
      { status: 'SUCCEEDED', output: 1 },
    ),
  ],
};

describe('npm run conformance', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'conformance-'));
    mkdirSync(join(directory, 'aws'));
    for (const [name, cases] of Object.entries(CASES))
      writeFileSync(join(directory, 'aws', `${name}.json`), JSON.stringify(cases));
    writeFileSync(join(directory, 'aws', 'index.json'), '{}');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('counts by category and level, tells every difference, and ends with 1', async () => {
    const { code, out } = await run('--cases', directory);
    expect(code).toBe(1);
    expect(rows(out)).toEqual([
      'category cases output error cause events not supported yet',
      'fail 2 2 / 2 2 / 2 0 / 2 0 / 1 0',
      'later 1 - - - - 1',
      'pass 2 1 / 2 1 / 2 1 / 2 - 0',
      'total 5 3 / 4 3 / 4 1 / 4 0 / 1 1',
    ]);
    expect(out).toContain('    1  activities\n');
    expect(out).toContain('fail/another-cause\n  cause: cause: expected "D", got "C"\n');
    expect(out).toContain('pass/another-output\n  output: output: expected 2, got 1\n');
    expect(out).toContain('fail/refused\n  cause: expected <another>\n');
    expect(out).not.toContain('pass/as-recorded');
  });

  test('compares no further than the level asked, in the category asked', async () => {
    const { code, out } = await run('--cases', directory, '--category', 'fail', '--level', 'error');
    expect(code).toBe(0);
    expect(rows(out)).toEqual([
      'category cases output error not supported yet',
      'fail 2 2 / 2 2 / 2 0',
      'total 2 2 / 2 2 / 2 0',
    ]);
  });

  test('writes the figures as JSON, and takes the files of the directory itself', async () => {
    const json = join(directory, 'figures.json');
    const { code } = await run('--cases', join(directory, 'aws'), '--id', 'a', '--json', json);
    expect(code).toBe(1);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({
      level: 'events',
      categories: { pass: { cases: 2, levels: { output: { passed: 1, total: 2 } }, notSupported: 0 } },
      features: { activities: 1 },
      notSupported: [{ id: 'later/activity', features: ['activities'] }],
      failures: [
        { id: 'fail/another-cause', level: 'cause' },
        { id: 'fail/refused', level: 'cause' },
        { id: 'pass/another-output', level: 'output', difference: 'output: expected 2, got 1' },
      ],
    });
  });

  test('ends with 0 when what ran is as recorded', async () => {
    expect(await run('--cases', directory, '--id', 'as-recorded')).toMatchObject({ code: 0 });
  });

  test('says so when there is nothing to run', async () => {
    const absent = await run('--cases', join(directory, 'absent'));
    expect(absent).toMatchObject({ code: 2, out: expect.stringContaining('no conformance cases at') });
    const none = await run('--cases', directory, '--id', 'no such case');
    expect(none).toMatchObject({ code: 2, out: expect.stringContaining('None of the 6 cases') });
  });

  test('refuses options that it does not know', async () => {
    expect(await run('--level', 'all')).toMatchObject({ code: 2, out: expect.stringContaining('--level') });
    expect(await run('--quick')).toMatchObject({ code: 2, out: expect.stringContaining('--cases DIR') });
  });
});

function caseOf(id: string, state: JsonObject, expected: JsonObject): JsonObject {
  return {
    id,
    category: id.split('/')[0] ?? '',
    kind: 'execution',
    features: [],
    definition: { StartAt: 'S', States: { S: state } },
    expected,
  };
}

/** The table, with one blank between its columns. */
function rows(out: string): string[] {
  const table = out.split('\n\n')[0] ?? '';
  const lines = table.split('\n').filter((line) => line !== '');
  const end = lines.findIndex((line) => line.startsWith('total'));
  return lines.slice(0, end + 1).map((line) => line.replace(/ +/g, ' '));
}

function run(...args: string[]): Promise<{ code: number; out: string }> {
  const command = ['--import', './scripts/typescript.js', 'test/conformance/main.ts', ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, out: stdout + stderr }),
    );
  });
}
