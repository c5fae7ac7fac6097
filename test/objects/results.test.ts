import { describe, expect, test } from '@jest/globals';
import {
  type ChildResult,
  ObjectError,
  type ResultTarget,
  transformResults,
  writeResults,
} from '../../src/objects/index.js';
import { memoryStore } from './memory-store.js';

function child(n: number, rest: Partial<ChildResult> = {}): ChildResult {
  return {
    executionArn: `arn:aws:states:us-east-1:1:execution:m/Map:${n}`,
    name: `child-${n}`,
    stateMachineArn: 'arn:aws:states:us-east-1:1:stateMachine:m/Map',
    status: 'SUCCEEDED',
    input: `{"n":${n}}`,
    output: `[${n},[${n}]]`,
    startTimeMs: Date.UTC(2025, 1, 4, 1, 49, 50, 99),
    stopTimeMs: Date.UTC(2025, 1, 4, 1, 49, 50, 163),
    ...rest,
  };
}

function failed(n: number, status: 'FAILED' | 'TIMED_OUT' | 'ABORTED', error?: string): ChildResult {
  const { output: _, ...rest } = child(n, { status });
  return error === undefined ? rest : { ...rest, error, cause: `because ${n}` };
}

async function* stream(...results: ChildResult[]): AsyncIterable<ChildResult> {
  yield* results;
}

const target = (rest: Partial<ResultTarget> = {}): ResultTarget => ({
  bucket: 'b',
  prefix: 'jobs',
  writer: {},
  mapRunArn: 'arn:run',
  mapRunId: 'id',
  ...rest,
});

describe('results in a bucket', () => {
  test('go to a file for each way to end, and a manifest names the files', async () => {
    const store = memoryStore({});
    const results = stream(
      child(1),
      failed(2, 'FAILED', 'Boom'),
      failed(3, 'TIMED_OUT'),
      failed(4, 'ABORTED'),
      { ...failed(5, 'ABORTED'), status: 'PENDING', stopTimeMs: undefined },
      child(6),
    );
    expect(await writeResults(store, target(), results)).toEqual({
      MapRunArn: 'arn:run',
      ResultWriterDetails: { Bucket: 'b', Key: 'jobs/id/manifest.json' },
    });
    const succeeded = JSON.parse(store.written.get('b/jobs/id/SUCCEEDED_0.json') ?? '');
    const failures = JSON.parse(store.written.get('b/jobs/id/FAILED_0.json') ?? '');
    expect(succeeded[0]).toEqual({
      ExecutionArn: 'arn:aws:states:us-east-1:1:execution:m/Map:1',
      Input: '{"n":1}',
      InputDetails: { Included: true },
      Name: 'child-1',
      Output: '[1,[1]]',
      OutputDetails: { Included: true },
      RedriveCount: 0,
      RedriveStatus: 'NOT_REDRIVABLE',
      RedriveStatusReason: 'Execution is SUCCEEDED and cannot be redriven',
      StartDate: '2025-02-04T01:49:50.099Z',
      StateMachineArn: 'arn:aws:states:us-east-1:1:stateMachine:m/Map',
      Status: 'SUCCEEDED',
      StopDate: '2025-02-04T01:49:50.163Z',
    });
    expect(Object.keys(succeeded[0])).toEqual(Object.keys(succeeded[0]).sort());
    expect(failures.map((record: { Status: string }) => record.Status)).toEqual([
      'FAILED',
      'TIMED_OUT',
      'ABORTED',
    ]);
    expect(failures[0]).toMatchObject({ Error: 'Boom', Cause: 'because 2' });
    expect(failures[1]).not.toHaveProperty('Error');
    expect(failures[0]).not.toHaveProperty('Output');
    expect(JSON.parse(store.written.get('b/jobs/id/PENDING_0.json') ?? '')).toEqual([
      { Input: '{"n":5}', InputDetails: { Included: true }, Status: 'PENDING' },
    ]);
    const size = (key: string) => ({
      Key: key,
      Size: Buffer.byteLength(store.written.get(`b/${key}`) ?? ''),
    });
    expect(JSON.parse(store.written.get('b/jobs/id/manifest.json') ?? '')).toEqual({
      DestinationBucket: 'b',
      MapRunArn: 'arn:run',
      ResultFiles: {
        FAILED: [size('jobs/id/FAILED_0.json')],
        PENDING: [size('jobs/id/PENDING_0.json')],
        SUCCEEDED: [size('jobs/id/SUCCEEDED_0.json')],
      },
    });
  });

  test('no results are a manifest of no files', async () => {
    const store = memoryStore({});
    await writeResults(store, target({ prefix: undefined }), stream());
    expect([...store.written.keys()]).toEqual(['b/id/manifest.json']);
    expect(JSON.parse(store.written.get('b/id/manifest.json') ?? '').ResultFiles).toEqual({
      FAILED: [],
      PENDING: [],
      SUCCEEDED: [],
    });
  });

  test.each([
    ['COMPACT', '[[1,[1]],[2,[2]]]'],
    ['FLATTEN', '[1,[1],2,[2]]'],
  ])('%s writes outputs, and the whole record of what failed', async (Transformation, text) => {
    const store = memoryStore({});
    await writeResults(
      store,
      target({ writer: { Transformation } }),
      stream(child(1), failed(3, 'FAILED'), child(2)),
    );
    expect(store.written.get('b/jobs/id/SUCCEEDED_0.json')).toBe(text);
    expect(JSON.parse(store.written.get('b/jobs/id/FAILED_0.json') ?? '')[0]).toHaveProperty('ExecutionArn');
  });

  test('JSONL is a result a line, whatever the text of the output', async () => {
    const store = memoryStore({});
    const writer = { Transformation: 'COMPACT', OutputType: 'JSONL' };
    await writeResults(
      store,
      target({ writer }),
      stream(child(1, { output: '{\n "a": 1\n}' }), child(2, { output: '"x"' })),
    );
    expect(store.written.get('b/jobs/id/SUCCEEDED_0.jsonl')).toBe('{"a":1}\n"x"\n');
  });

  test('a file that is full is followed by another', async () => {
    const store = memoryStore({});
    const results = stream(...[1, 2, 3, 4, 5].map((n) => child(n, { output: `"${n}".`.slice(0, 3) })));
    await writeResults(store, target({ writer: { Transformation: 'COMPACT' } }), results, { fileBytes: 10 });
    expect(store.written.get('b/jobs/id/SUCCEEDED_0.json')).toBe('["1","2"]');
    expect(store.written.get('b/jobs/id/SUCCEEDED_1.json')).toBe('["3","4"]');
    expect(store.written.get('b/jobs/id/SUCCEEDED_2.json')).toBe('["5"]');
    const { SUCCEEDED } = JSON.parse(store.written.get('b/jobs/id/manifest.json') ?? '').ResultFiles;
    expect(SUCCEEDED.map((file: { Key: string }) => file.Key)).toEqual(
      [0, 1, 2].map((n) => `jobs/id/SUCCEEDED_${n}.json`),
    );
  });

  test('ten thousand results keep the pace of the store', async () => {
    let open = 0;
    let most = 0;
    const store = {
      ...memoryStore({}),
      write: async (_bucket: string, _key: string, body: AsyncIterable<string> | string) => {
        if (typeof body === 'string') return;
        for await (const _ of body) {
          open -= 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
    const results = (async function* () {
      for (let n = 0; n < 10_000; n++) {
        open += 1;
        most = Math.max(most, open);
        yield child(n);
      }
    })();
    await writeResults(store, target(), results);
    expect(most).toBeLessThan(200);
  });

  test('a store that fails is States.ResultWriterFailed, in the middle as at the end', async () => {
    const refusal = new ObjectError('NoSuchBucket', 'The specified bucket does not exist.');
    const at = (when: (key: string) => boolean) => {
      const store = memoryStore({});
      return {
        ...store,
        write: async (bucket: string, key: string, body: AsyncIterable<string> | string) => {
          if (when(key)) throw refusal;
          await store.write(bucket, key, body);
        },
      };
    };
    const many = () => stream(...Array.from({ length: 500 }, (_, n) => child(n)));
    const error = { error: 'States.ResultWriterFailed', cause: 'The specified bucket does not exist.' };
    await expect(
      writeResults(
        at(() => true),
        target(),
        many(),
      ),
    ).rejects.toMatchObject(error);
    await expect(
      writeResults(
        at((key) => key.endsWith('manifest.json')),
        target(),
        many(),
      ),
    ).rejects.toMatchObject(error);
  });

  test('results that cannot be had leave no manifest, and their own error comes through', async () => {
    const store = memoryStore({});
    const failure = new Error('the database is gone');
    const results = (async function* () {
      yield child(1);
      throw failure;
    })();
    await expect(writeResults(store, target(), results)).rejects.toBe(failure);
    expect([...store.written.keys()]).toEqual([]);
  });

  test.each([
    [target({ bucket: undefined }), /no Bucket/],
    [target({ writer: { Transformation: 'SHRED' } }), /Transformation "SHRED"/],
    [target({ writer: { OutputType: 'PARQUET' } }), /OutputType "PARQUET"/],
  ])('what cannot be written is refused by name: %#', async (wanted, cause) => {
    await expect(writeResults(memoryStore({}), wanted, stream())).rejects.toMatchObject({
      error: 'States.ResultWriterFailed',
      cause: expect.stringMatching(cause),
    });
  });
});

describe('results as the output of the state', () => {
  test('are the outputs in their order, with the record of what failed between them', async () => {
    const output = await transformResults({}, stream(child(1), failed(2, 'FAILED', 'Boom'), child(3)));
    expect(output).toEqual([
      [1, [1]],
      expect.objectContaining({ Error: 'Boom', Status: 'FAILED', Input: '{"n":2}' }),
      [3, [3]],
    ]);
  });

  test('are flattened by one level, or the whole records', async () => {
    expect(
      await transformResults({ Transformation: 'FLATTEN' }, stream(child(1), child(2, { output: '7' }))),
    ).toEqual([1, [1], 7]);
    expect(await transformResults({ Transformation: 'NONE' }, stream(child(1)))).toEqual([
      expect.objectContaining({ Name: 'child-1', Output: '[1,[1]]' }),
    ]);
  });

  test('are a text of lines as JSONL', async () => {
    const writer = { Transformation: 'COMPACT', OutputType: 'JSONL' };
    expect(await transformResults(writer, stream(child(1), child(2)))).toBe('[1,[1]]\n[2,[2]]');
  });

  test('are refused when they are too large, before all of them are taken', async () => {
    let taken = 0;
    const results = (async function* () {
      for (; taken < 1_000_000; taken++) yield child(1, { output: JSON.stringify('x'.repeat(1000)) });
    })();
    await expect(transformResults({}, results)).rejects.toMatchObject({ error: 'States.DataLimitExceeded' });
    expect(taken).toBeLessThan(300);
  });
});
