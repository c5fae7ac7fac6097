import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { CORPUS, isAboutDefinition, readCorpus } from './corpus.js';
import { EXCEPTIONS } from './exceptions.js';
import { runInMemory } from './runner.js';
import { tallyOf } from './tally.js';

const isThere = existsSync(CORPUS);
if (!isThere) process.stdout.write(`The conformance cases are not at ${CORPUS}: their tests are skipped.\n`);

(isThere ? describe : describe.skip)('what AWS recorded', () => {
  const cases = isThere ? readCorpus(CORPUS).cases.filter(isAboutDefinition) : [];

  test('is in the corpus, and most of it runs', async () => {
    const { total } = tallyOf(await runInMemory(cases), 'output', {});
    expect(total.cases).toBeGreaterThan(600);
    expect(total.notSupported / total.cases).toBeLessThan(0.1);
  });

  for (const category of new Set(cases.map((one) => one.category))) {
    test(`is what we answer: ${category}`, async () => {
      const results = await runInMemory(cases.filter((one) => one.category === category));
      const { failures, passingExceptions } = tallyOf(results, 'events', EXCEPTIONS);
      expect(failures.filter(({ exception }) => exception === undefined)).toEqual([]);
      expect(passingExceptions).toEqual([]);
    });
  }
});
