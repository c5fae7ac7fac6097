import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../../setup/database.js';
import { type Case, CORPUS, isAboutDefinition, readCorpus } from '../corpus.js';
import { EXCEPTIONS } from '../exceptions.js';
import { tallyOf } from '../tally.js';
import { runThroughHttp } from './run.js';

const isThere = existsSync(CORPUS);
if (!isThere) process.stdout.write(`The conformance cases are not at ${CORPUS}: none is run through HTTP.\n`);

/** Some of each category and kind: all of them are `npm run conformance -- --through http`. */
(isThere ? describe : describe.skip)('what AWS recorded, through a service', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  test('is what it answers', async () => {
    const cases = sampleOf(readCorpus(CORPUS).cases.filter(isAboutDefinition));
    const results = await runThroughHttp(cases, { slow: false, databaseUrl: database.url });
    const { failures, leftOut, total } = tallyOf(results, 'events', EXCEPTIONS);
    expect(failures.filter(({ exception }) => exception === undefined)).toEqual([]);
    expect(total.cases - leftOut.length).toBeGreaterThan(30);
  });
});

/** The first two of each category and kind, and those that need more than a machine and functions. */
function sampleOf(cases: readonly Case[]): Case[] {
  const counts = new Map<string, number>();
  return cases.filter((one) => {
    const needs = [one.workers, one.stateMachines].filter((need) => need !== undefined).length;
    const group = `${one.category} ${one.kind} ${String(needs)}`;
    const before = counts.get(group) ?? 0;
    counts.set(group, before + 1);
    return before < 2;
  });
}
