import { afterAll, describe, expect, test } from '@jest/globals';
import { CORPUS, corpusExists, isInScope, readCases } from './corpus.js';
import { runCase } from './runner.js';

/** Cases that cannot pass, each with its reason. */
const EXCEPTIONS: Record<string, string> = {};

if (!corpusExists()) {
  process.stdout.write(`The conformance cases are not at ${CORPUS}: their tests are skipped.\n`);
}

(corpusExists() ? describe : describe.skip)('what AWS recorded', () => {
  const cases = corpusExists() ? readCases().filter(isInScope) : [];
  const tally = new Map<string, { passed: number; total: number }>();

  test('is in the corpus', () => {
    expect(cases.length).toBeGreaterThan(400);
  });

  for (const category of new Set(cases.map((one) => one.category))) {
    test(`is what we answer: ${category}`, async () => {
      const failures: string[] = [];
      const ours = cases.filter((one) => one.category === category);
      for (const one of ours) {
        const found = await runCase(one);
        if (found !== undefined && EXCEPTIONS[one.id] === undefined) failures.push(`${one.id}\n  ${found}`);
        if (found === undefined && EXCEPTIONS[one.id] !== undefined)
          failures.push(`${one.id}\n  passes by now`);
      }
      tally.set(category, { passed: ours.length - failures.length, total: ours.length });
      expect(failures).toEqual([]);
    });
  }

  afterAll(() => {
    for (const [category, { passed, total }] of tally) {
      process.stdout.write(`${category.padEnd(24)} ${String(passed).padStart(4)} / ${String(total)}\n`);
    }
  });
});
