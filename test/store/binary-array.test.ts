import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { floatArray, intArray, textArray, uuidArray } from '../../src/store/binary-array.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client(database.url);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function echo(type: string, value: Buffer): Promise<unknown> {
  const { rows } = await client.query(`SELECT array_to_json($1::${type}[]) AS echoed`, [value]);
  return rows[0].echoed;
}

test('any texts arrive as they are, with nulls, quotes, braces and characters beyond the first plane', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.string({ unit: 'grapheme' }))), async (values) => {
      const storable = values.map((value) => value?.replaceAll('\u0000', '') ?? null);
      expect(await echo('text', textArray(storable))).toEqual(storable);
    }),
    { numRuns: 200 },
  );
});

test('whole numbers, doubles and UUIDs arrive as they are', async () => {
  expect(await echo('int', intArray([0, -1, 2_147_483_647]))).toEqual([0, -1, 2_147_483_647]);
  expect(await echo('float8', floatArray([1.5, null, -2e300]))).toEqual([1.5, null, -2e300]);
  const ids = [crypto.randomUUID(), null, crypto.randomUUID()];
  expect(await echo('uuid', uuidArray(ids))).toEqual(ids);
});

test('empty arrays are empty', async () => {
  expect(await echo('text', textArray([]))).toEqual([]);
  expect(await echo('uuid', uuidArray([]))).toEqual([]);
});

test('what is no UUID is refused here, not stored as another', () => {
  expect(() => uuidArray(['no-uuid'])).toThrow(RangeError);
  expect(() => uuidArray(['zzzzzzzz-0000-0000-0000-000000000000'])).toThrow(RangeError);
});
