import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ObjectStore, openObjectStore, readItems, writeResults } from '../../src/objects/index.js';
import { all } from './memory-store.js';
import { startS3Server } from './s3-server.js';

const s3 = await startS3Server();
afterAll(async () => {
  if (typeof s3 !== 'string') await s3.stop();
});

const root = await mkdtemp(path.join(tmpdir(), 'escapement-objects-'));
afterAll(() => rm(root, { recursive: true, force: true }));

interface Adapter {
  name: string;
  store: ObjectStore | undefined;
  createBucket(name: string): Promise<unknown>;
}

const adapters: Adapter[] = [
  {
    name: 'a directory',
    store: openObjectStore({ directory: root, s3: undefined }),
    createBucket: (name) => mkdir(path.join(root, name)),
  },
  {
    name: 'S3',
    store: typeof s3 === 'string' ? undefined : openObjectStore({ directory: undefined, s3: s3.settings }),
    createBucket: async (name) => (typeof s3 === 'string' ? undefined : s3.createBucket(name)),
  },
];

for (const { name, store, createBucket } of adapters) {
  const suite = store === undefined ? describe.skip : describe;
  suite(`objects in ${name}`, () => {
    const objects = store as ObjectStore;
    const bucket = `bucket-${randomBytes(4).toString('hex')}`;
    const text = async (key: string) => Buffer.concat(await all(await objects.read(bucket, key))).toString();
    beforeAll(() => createBucket(bucket));

    test('what was written is read, and the last one to write is right', async () => {
      await objects.write(bucket, 'a/b/ü 1.txt', 'first');
      await objects.write(bucket, 'a/b/ü 1.txt', 'second ü');
      expect(await text('a/b/ü 1.txt')).toBe('second ü');
    });

    test('a body in parts is written as one, of more bytes than one part of an upload has', async () => {
      const part = 'ü'.repeat(1 << 16);
      await objects.write(
        bucket,
        'large',
        (async function* () {
          for (let n = 0; n < 100; n++) yield part;
        })(),
      );
      let size = 0;
      for await (const chunk of await objects.read(bucket, 'large')) size += chunk.length;
      expect(size).toBe(100 * 2 * (1 << 16));
    });

    test('a body that fails leaves nothing, and its own error comes through', async () => {
      const failure = new Error('the results cannot be had');
      const body = (async function* () {
        yield 'x'.repeat(1000);
        throw failure;
      })();
      await expect(objects.write(bucket, 'never', body)).rejects.toBe(failure);
      await expect(objects.read(bucket, 'never')).rejects.toMatchObject({ code: 'NoSuchKey' });
    });

    test('a listing has the keys of a prefix in the order of their bytes', async () => {
      for (const key of ['list/b', 'list/a/2', 'list/a.txt', 'list/a/1', 'list-not', 'list/ü']) {
        await objects.write(bucket, key, key);
      }
      const listed = await all(objects.list(bucket, 'list/'));
      expect(listed.map((object) => object.Key)).toEqual([
        'list/a.txt',
        'list/a/1',
        'list/a/2',
        'list/b',
        'list/ü',
      ]);
      expect(listed[0]).toEqual({
        Etag: expect.stringMatching(/^".+"$/),
        Key: 'list/a.txt',
        LastModified: expect.any(Number),
        Size: 10,
        StorageClass: 'STANDARD',
      });
      expect(Math.abs((listed[0]?.LastModified ?? 0) - Date.now() / 1000)).toBeLessThan(60);
      expect((await all(objects.list(bucket, 'list/a'))).map((object) => object.Key)).toEqual([
        'list/a.txt',
        'list/a/1',
        'list/a/2',
      ]);
      expect(await all(objects.list(bucket, 'nothing/'))).toEqual([]);
    });

    test('what is not there has its own code', async () => {
      await expect(objects.read(bucket, 'none')).rejects.toMatchObject({ code: 'NoSuchKey' });
      await expect(objects.read('no-such-bucket', 'none')).rejects.toMatchObject({ code: 'NoSuchBucket' });
      await expect(all(objects.list('no-such-bucket', undefined))).rejects.toMatchObject({
        code: 'NoSuchBucket',
      });
      await expect(objects.write('no-such-bucket', 'k', 'x')).rejects.toMatchObject({ code: 'NoSuchBucket' });
      const parts = (async function* () {
        yield 'x';
      })();
      await expect(objects.write('no-such-bucket', 'k', parts)).rejects.toMatchObject({
        code: 'NoSuchBucket',
      });
    });

    test('results that were written are items that can be read', async () => {
      const results = (async function* () {
        for (let n = 0; n < 3; n++) {
          yield {
            executionArn: `arn:${n}`,
            name: String(n),
            stateMachineArn: 'arn:m',
            status: 'SUCCEEDED' as const,
            input: '{}',
            output: JSON.stringify({ n }),
            startTimeMs: 0,
            stopTimeMs: 1,
          };
        }
      })();
      const target = {
        bucket,
        prefix: 'out',
        writer: { Transformation: 'COMPACT' },
        mapRunArn: 'arn:run',
        mapRunId: 'id',
      };
      expect(await writeResults(objects, target, results)).toEqual({
        MapRunArn: 'arn:run',
        ResultWriterDetails: { Bucket: bucket, Key: 'out/id/manifest.json' },
      });
      const manifest = JSON.parse(await text('out/id/manifest.json'));
      expect(manifest.ResultFiles.SUCCEEDED).toEqual([{ Key: 'out/id/SUCCEEDED_0.json', Size: 25 }]);
      const items = readItems(objects, {
        resource: 'arn:aws:states:::s3:getObject',
        parameters: { Bucket: bucket, Key: 'out/id/SUCCEEDED_0.json' },
        config: { InputType: 'JSON' },
        maxItems: undefined,
      });
      expect(await all(items)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    });
  });
}

describe('S3 that fails', () => {
  /** A server that gives `content` as S3 would, and hangs up after each `cut` bytes. */
  async function cuttingServer(content: Buffer, cut: number, change = false) {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      requests.push(`${request.headers.range ?? 'all'} ${request.headers['if-match'] ?? ''}`.trim());
      if (change && from > 0) {
        response.writeHead(412, { 'content-type': 'application/xml' });
        response.end('<Error><Code>PreconditionFailed</Code><Message>changed</Message></Error>');
        return;
      }
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from, etag: '"v1"' });
      response.write(content.subarray(from, from + cut), () => {
        if (from + cut < content.length) setTimeout(() => response.destroy(), 20);
        else response.end();
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const objects = openObjectStore({
      directory: undefined,
      s3: {
        endpoint: `http://127.0.0.1:${port}`,
        region: 'us-east-1',
        accessKeyId: 'id',
        secretAccessKey: 'very-secret',
        forcePathStyle: true,
      },
    }) as ObjectStore;
    return { objects, requests, close: () => server.close().closeAllConnections() };
  }

  test('a read whose connection breaks goes on where it was, in the same version', async () => {
    const content = randomBytes(100_000);
    const { objects, requests, close } = await cuttingServer(content, 40_000);
    const bytes = Buffer.concat(await all(await objects.read('bucket', 'key')));
    close();
    expect(bytes.equals(content)).toBe(true);
    expect(requests).toEqual(['all', 'bytes=40000- "v1"', 'bytes=80000- "v1"']);
  });

  test('an object that was changed meanwhile is not mixed from two', async () => {
    const { objects, close } = await cuttingServer(randomBytes(100_000), 40_000, true);
    await expect(all(await objects.read('bucket', 'key'))).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('was changed while it was read'),
    });
    close();
  });

  test('a server that is not there is unavailable, and no key is in what is said', async () => {
    const { objects, close } = await cuttingServer(Buffer.alloc(1), 1);
    close();
    const error = await objects.read('bucket', 'key').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'Unavailable' });
    expect(String(error)).not.toContain('very-secret');
  });
});
