import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { CORPUS, isAboutDefinition, readCases } from './corpus.js';
import { EXCEPTIONS } from './exceptions.js';
import { runCase } from './runner.js';
import { tallyOf } from './tally.js';

const isThere = existsSync(CORPUS);
if (!isThere) process.stdout.write(`The conformance cases are not at ${CORPUS}: their tests are skipped.\n`);

(isThere ? describe : describe.skip)('what AWS recorded', () => {
  const cases = isThere ? readCases(CORPUS).filter(isAboutDefinition) : [];

  test('is in the corpus, and most of it runs', async () => {
    const results = [];
    for (const one of cases) results.push({ one, outcome: await runCase(one) });
    const { total } = tallyOf(results, 'output', {});
    expect(total.cases).toBeGreaterThan(600);
    expect(total.notSupported / total.cases).toBeLessThan(0.1);
  });

  for (const category of new Set(cases.map((one) => one.category))) {
    test(`is what we answer: ${category}`, async () => {
      const results = [];
      for (const one of cases.filter((each) => each.category === category))
        results.push({ one, outcome: await runCase(one) });
      const { failures, passingExceptions } = tallyOf(results, 'events', EXCEPTIONS);
      expect(failures.filter(({ exception }) => exception === undefined)).toEqual([]);
      expect(passingExceptions).toEqual([]);
    });
  }
});
