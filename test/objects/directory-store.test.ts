import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ObjectStore, openObjectStore } from '../../src/objects/index.js';
import { all } from './memory-store.js';

const home = await mkdtemp(path.join(tmpdir(), 'escapement-directory-'));
const root = path.join(home, 'objects');
const objects = openObjectStore({ directory: root, s3: undefined }) as ObjectStore;

beforeAll(async () => {
  await mkdir(path.join(root, 'b', 'inside'), { recursive: true });
  await mkdir(path.join(home, 'outside'));
  await writeFile(path.join(home, 'secret'), 'secret');
  await writeFile(path.join(home, 'outside', 'secret'), 'secret');
  await symlink(path.join(home, 'secret'), path.join(root, 'b', 'link'));
  await symlink(path.join(home, 'outside'), path.join(root, 'b', 'door'));
  await symlink(path.join(home, 'outside'), path.join(root, 'linked-bucket'));
  await symlink(path.join(root, 'b', 'inside'), path.join(root, 'b', 'loop'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('a key never leaves its bucket', () => {
  const keys = [
    '../secret',
    '../../secret',
    'inside/../../../secret',
    path.join(home, 'secret'),
    '/secret',
    './x',
    'inside//x',
    'x/',
    '',
    'a\0b',
    'x'.repeat(1025),
    'link',
    'door/secret',
    'loop/x',
  ];

  test.each(keys)('%j is not read', async (key) => {
    await expect(objects.read('b', key)).rejects.toMatchObject({
      code: expect.stringMatching(/AccessDenied|NoSuchKey/),
    });
  });

  test.each(keys.filter((key) => key !== 'link'))('%j is not written', async (key) => {
    await expect(objects.write('b', key, 'mine')).rejects.toMatchObject({
      code: expect.stringMatching(/AccessDenied|NoSuchKey/),
    });
    expect(await readFile(path.join(home, 'secret'), 'utf8')).toBe('secret');
    expect(await readdir(path.join(home, 'outside'))).toEqual(['secret']);
    expect(await readdir(path.join(root, 'b', 'inside'))).toEqual([]);
  });

  test('a link that is written to is replaced, and what it led to stays', async () => {
    await objects.write('b', 'link', 'mine');
    expect(await readFile(path.join(home, 'secret'), 'utf8')).toBe('secret');
    expect(Buffer.concat(await all(await objects.read('b', 'link'))).toString()).toBe('mine');
  });

  test.each(['..', '.', '', '../outside', 'b/inside', '.uploads', 'linked-bucket'])(
    '%j is no bucket',
    async (bucket) => {
      const refusal = { code: expect.stringMatching(/NoSuchBucket|AccessDenied/) };
      await expect(objects.read(bucket, 'secret')).rejects.toMatchObject(refusal);
      await expect(objects.write(bucket, 'x', 'x')).rejects.toMatchObject(refusal);
      await expect(all(objects.list(bucket, undefined))).rejects.toMatchObject(refusal);
    },
  );

  test('a listing follows no link', async () => {
    await objects.write('b', 'kept/1', 'x');
    const keys = (await all(objects.list('b', undefined))).map((object) => object.Key);
    expect(keys).toContain('kept/1');
    expect(keys.filter((key) => key.startsWith('door') || key.startsWith('loop'))).toEqual([]);
  });

  test('what is said of a failure has no path of the machine in it', async () => {
    const nowhere = openObjectStore({ directory: path.join(home, 'nowhere'), s3: undefined }) as ObjectStore;
    const error = await nowhere.read('b', 'k').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'Unavailable' });
    expect(String(error)).not.toContain(home);
  });
});

test('a write is seen whole or not at all, also by a listing', async () => {
  await objects.write('b', 'atomic', 'old');
  const seen: string[] = [];
  await objects.write(
    'b',
    'atomic',
    (async function* () {
      yield 'new';
      seen.push(Buffer.concat(await all(await objects.read('b', 'atomic'))).toString());
      seen.push(...(await all(objects.list('b', 'atomic'))).map((object) => object.Key));
      yield '!';
    })(),
  );
  expect(seen).toEqual(['old', 'atomic']);
  expect(Buffer.concat(await all(await objects.read('b', 'atomic'))).toString()).toBe('new!');
  expect(await readdir(path.join(root, '.uploads'))).toEqual([]);
});

test('a version is refused, since a directory keeps none', async () => {
  await objects.write('b', 'versioned', 'x');
  await expect(objects.read('b', 'versioned', 'v1')).rejects.toMatchObject({ code: 'NoSuchKey' });
});
