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
      expected: { apiError: { code: 'InvalidDefinition', message: 'another' } },
    },
    { ...caseOf('fail/not-for-this-runner', DONE, {}), kind: 'api-trace' },
  ],
  later: [
    caseOf(
      'later/integration',
      { Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage', End: true },
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
    expect(out).toContain('    1  the service integration sqs:sendMessage\n');
    expect(out).toContain('fail/another-cause\n  cause: cause: expected "D", got "C"\n');
    expect(out).toContain('pass/another-output\n  output: output: expected 2, got 1\n');
    expect(out).toContain('fail/refused\n  cause: message: expected "another", got');
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
      features: { 'the service integration sqs:sendMessage': 1 },
      notSupported: [{ id: 'later/integration', features: ['the service integration sqs:sendMessage'] }],
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

  test('refuses options that do not go together', async () => {
    expect(await run('--through', 'pigeon')).toMatchObject({
      code: 2,
      out: expect.stringContaining('--through'),
    });
    expect(await run('--slow')).toMatchObject({ code: 2, out: expect.stringContaining('--slow') });
  });

  describe('of cases that are not as they should be', () => {
    let broken: string;
    beforeAll(() => {
      broken = mkdtempSync(join(tmpdir(), 'conformance-'));
      const files: Record<string, unknown> = {
        whole: CASES['pass'],
        object: { id: 'x' },
        odd: [
          7,
          {},
          { id: 'odd/kind', kind: 'dance' },
          { id: 'odd/empty', kind: 'execution' },
          { id: 'odd/no-answer', kind: 'execution', definition: {} },
          { ...caseOf('odd/lambdas', DONE, {}), lambdas: 'none' },
          {
            ...caseOf('odd/source', { Type: 'Task', Resource: ARN, End: true }, { status: 'FAILED' }),
            ...ODD,
          },
          {
            ...caseOf('odd/nulls', DONE, { status: 'SUCCEEDED', output: {}, error: null, events: null }),
            ...NULLS,
          },
          {
            ...caseOf('odd/text', DONE, { status: 'SUCCEEDED', output: [1] }),
            input: null,
            inputText: '[1]',
          },
          { ...caseOf('odd/no-json', DONE, { status: 'SUCCEEDED' }), input: null, inputText: '[1' },
        ],
      };
      for (const [name, cases] of Object.entries(files))
        writeFileSync(join(broken, `${name}.json`), JSON.stringify(cases));
      writeFileSync(join(broken, 'torn.json'), '[{');
    });
    afterAll(() => rmSync(broken, { recursive: true }));

    test('says what is wrong with each in a line, runs the others, and ends with 1', async () => {
      const { code, out } = await run('--cases', broken);
      expect(code).toBe(1);
      for (const complaint of [
        /torn\.json cannot be read: .*JSON/,
        /object\.json is not a list of cases/,
        /odd\.json\[0\] is not an object/,
        /odd\.json\[1\] has no id/,
        /odd\.json\[2\] \(odd\/kind\) is of an unknown kind: dance/,
        /odd\.json\[3\] \(odd\/empty\) has neither a definition nor a definitionText/,
        /odd\.json\[4\] \(odd\/no-answer\) has nothing that is expected/,
        /odd\.json\[5\] \(odd\/lambdas\) has lambdas that are no object/,
        /odd\/source\n {2}output: no function behaves like 'magic'/,
        /odd\/no-json\n {2}output: the inputText of the case is not JSON/,
      ])
        expect(out).toMatch(complaint);
      expect(rows(out).slice(1)).toEqual([
        'odd 4 2 / 4 2 / 2 2 / 2 - 0',
        'pass 2 1 / 2 1 / 2 1 / 2 - 0',
        'total 6 3 / 6 3 / 4 3 / 4 - 0',
      ]);
      expect(out).not.toMatch(/\n {4}at /);
    });
  });
});

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f';
const ODD = { lambdas: { f: { source: 'magic' } } };
const NULLS = {
  machineType: null,
  definitionText: null,
  inputText: null,
  startParams: null,
  lambdas: null,
  workers: null,
  stateMachines: null,
  wildcards: null,
  eventsSorted: null,
};

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
  const table = out.slice(out.indexOf('category ')).split('\n\n')[0] ?? '';
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
