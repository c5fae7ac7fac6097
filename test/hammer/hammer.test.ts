/** The hammer, for a few seconds: `npm run hammer` is the long one. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { BREAKAGES } from './breakage.js';
import { hammer } from './hammer.js';

const databases: TestDatabase[] = [];
const urls: string[] = [];

beforeAll(async () => {
  for (let n = 0; n < 1 + BREAKAGES.length; n++) databases.push(await createDatabase());
  urls.push(...databases.map(({ url }) => url));
}, 60_000);

afterAll(async () => {
  for (const database of databases) await database.drop();
});

const nextUrl = (): string => urls.pop() ?? '';

describe('processes that steal executions from each other', () => {
  test('lose nothing, do nothing twice and leave nothing behind', async () => {
    const { counts, blows, violations } = await hammer({ url: nextUrl(), seconds: 8, processes: 3 });
    expect(violations).toEqual([]);
    // There was something to be violated.
    for (const count of [
      counts.takeovers,
      counts.results,
      counts.acknowledged,
      blows.expired,
      blows.backends,
    ])
      expect(count).toBeGreaterThan(0);
  }, 120_000);

  test.each(BREAKAGES)(
    'are caught when the fence is broken: %s',
    async (breakage) => {
      const { violations } = await hammer({
        url: nextUrl(),
        seconds: 8,
        processes: 3,
        breakage,
      });
      expect(violations).toContainEqual(
        expect.objectContaining({ rule: 'a takeover did not see what was committed' }),
      );
    },
    120_000,
  );
});
