import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseDefinition } from '../../src/asl/index.js';
import { BUGS } from './bugs.js';
import { MIRRORS } from './postgres/mirrors.js';
import type { Fault, Scenario } from './scenario.js';
import { makeScenario } from './scenarios.js';
import { shrink } from './shrink.js';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
/** Fixed, so that CI says the same tomorrow. Others: `npm run simulate -- --seed N --runs M`. */
const SEED = 1;
const RUNS = 10_000;
const LONG_MS = 15 * 60_000;

interface Printed {
  code: number;
  output: string;
}

/** In a process of its own: it puts virtual clocks and timers in the place of the real ones. */
function simulate(...options: string[]): Promise<Printed> {
  const args = ['--import', './scripts/typescript.js', 'test/simulation/main.ts', ...options];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 },
      (error, output, problems) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 2;
        resolve({ code, output: output + problems });
      },
    );
  });
}

function failingSeeds(output: string): number[] {
  return [...output.matchAll(/^seed (\d+):/gm)].map(([, seed]) => Number(seed));
}

test(
  'whatever goes wrong, everything that was accepted ends, and every committed result is used once',
  async () => {
    const { code, output } = await simulate('--seed', String(SEED), '--runs', String(RUNS));
    process.stdout.write(output);
    expect(failingSeeds(output)).toEqual([]);
    expect(output).toContain(`${String(RUNS)} runs from seed ${String(SEED)} on: 0 went wrong`);
    expect(code).toBe(0);
  },
  LONG_MS,
);

test(
  'a run is determined by its seed, whatever was run before',
  async () => {
    const bug = ['--bug', 'no-inbox-check-at-park', '--no-shrink', '--processes', '1', '--failures', '2'];
    const among = await simulate('--seed', '1', '--runs', '60', ...bug);
    const [, second] = failingSeeds(among.output);
    expect(second).toBeDefined();
    const alone = await simulate('--seed', String(second), '--runs', '1', ...bug);
    const reproOf = (output: string): string =>
      output.slice(output.indexOf(`seed ${String(second)}:`)).split('\n\n')[0] ?? '';
    expect(reproOf(alone.output)).toBe(reproOf(among.output));
    const [one, other] = await Promise.all([
      simulate('--seed', '7', '--trace'),
      simulate('--seed', '7', '--trace'),
    ]);
    expect(one.output).toBe(other.output);
    expect(one.output).toContain('nothing was wrong');
  },
  LONG_MS,
);

describe('a bug that is put back', () => {
  test.each(BUGS)(
    '(%s) is caught, first by the seed that the documentation names',
    async (bug) => {
      const named = await firstSeedIn(bug);
      const until = ['--seed', '1', '--runs', String(named), '--bug', bug, '--no-shrink'];
      const { code, output } = await simulate(...until);
      expect(failingSeeds(output)).toEqual([named]);
      expect(code).toBe(1);
    },
    LONG_MS,
  );
});

/** From the table of docs/simulation.md. */
async function firstSeedIn(bug: string): Promise<number> {
  const text = await readFile(path.join(ROOT, 'docs', 'simulation.md'), 'utf8');
  const [, seed] = new RegExp(`^\\| \`${bug}\` \\|.*\\| (\\d+) \\|`, 'm').exec(text) ?? [];
  if (seed === undefined) throw new Error(`docs/simulation.md names no seed for ${bug}`);
  return Number(seed);
}

const KINDS: readonly Fault['kind'][] = [
  ...(['crash', 'kill', 'zombie', 'freeze', 'slow', 'unsent', 'unanswered', 'refused'] as const),
  ...(['late', 'outage', 'cut', 'redis', 'bell', 'deaf', 'skew', 'term'] as const),
];

describe('a scenario', () => {
  const scenarios = Array.from({ length: 300 }, (_, seed) => makeScenario(seed));

  test('has only definitions that the service accepts', () => {
    for (const { machines, seed } of scenarios)
      for (const definition of Object.values(machines))
        expect({ seed, ...parseDefinition(JSON.stringify(definition)) }).toMatchObject({ seed, ok: true });
  });

  test('has every type of state, and every kind of fault, before long', () => {
    const text = JSON.stringify(scenarios);
    const types = new Set([...text.matchAll(/"Type":"(\w+)"/g)].map(([, type]) => type));
    expect([...types].sort()).toEqual(
      ['Choice', 'Fail', 'Map', 'Message', 'Parallel', 'Pass', 'Succeed', 'Task', 'Wait'].sort(),
    );
    for (const part of [
      '.sync:2',
      'startExecution"',
      'waitForTaskToken',
      ':activity:',
      '"Assign"',
      '"Retry"',
      '"Catch"',
    ])
      expect(text).toContain(part);
    const kinds = new Set(scenarios.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    for (const kind of KINDS) expect(kinds).toContain(kind);
  });

  test('is cut down to what makes it fail', async () => {
    const scenario = scenarios.find(({ faults, roots }) => faults.length > 3 && roots.length > 1);
    if (scenario === undefined) throw new Error('no scenario with enough in it');
    const [, culprit] = scenario.faults;
    const fails = ({ faults }: Scenario): Promise<boolean> =>
      Promise.resolve(faults.some((fault) => fault === culprit));
    const smallest = await shrink(scenario, fails);
    expect(smallest.faults).toEqual([culprit]);
    expect(smallest.roots).toHaveLength(1);
    expect(smallest.acts).toEqual([]);
    expect(Object.keys(smallest.machines)).toContain('root');
  });
});

test('each mirror is of a statement that the store has', async () => {
  const files = await readdir(path.join(ROOT, 'src', 'store'), { recursive: true });
  const texts = files
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => readFile(path.join(ROOT, 'src', 'store', name), 'utf8'));
  const sources = (await Promise.all(texts)).join('\n').replace(/\s+/g, ' ');
  for (const { of, text } of MIRRORS) {
    if (typeof text !== 'string') continue;
    // As far as none of it is put together there.
    const part = text.replace(/\s+/g, ' ').trim().slice(0, 26);
    expect({ of, isThere: sources.includes(part) }).toEqual({ of, isThere: true });
  }
});
