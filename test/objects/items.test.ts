import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ItemSource, readItems, readSourcedItems } from '../../src/objects/index.js';
import type { Json } from '../../src/std/json.js';
import { all, memoryStore } from './memory-store.js';

const GET = 'arn:aws:states:::s3:getObject';
const LIST = 'arn:aws:states:::s3:listObjectsV2';

function source(config: ItemSource['config'], rest: Partial<ItemSource> = {}): ItemSource {
  return { resource: GET, parameters: { Bucket: 'b', Key: 'k' }, config, maxItems: undefined, ...rest };
}

async function read(
  content: string | Uint8Array,
  config: ItemSource['config'],
  chunkBytes?: number,
): Promise<Json[]> {
  return all(readItems(memoryStore({ 'b/k': content }, chunkBytes), source(config)));
}

const json = (text: string, config = {}) => read(text, { InputType: 'JSON', ...config });
const failure = (cause: string | RegExp) => ({
  error: 'States.ItemReaderFailed',
  cause: typeof cause === 'string' ? cause : expect.stringMatching(cause),
});

describe('JSON', () => {
  test('the items of an array, with everything that JSON has', async () => {
    const items = [null, true, false, -1.5e3, 'ü "\\ \u2028😀', [], {}, [[1], { a: [{}] }]];
    expect(await json(JSON.stringify(items, undefined, 2))).toEqual(items);
  });

  test('the fields of an object, each as Key and Value', async () => {
    expect(await json('{"a": 1, "b": {"c": [2]}}')).toEqual([
      { Key: 'a', Value: 1 },
      { Key: 'b', Value: { c: [2] } },
    ]);
  });

  test('ItemsPointer leads to the array or object, past what is around it', async () => {
    const text = '{"skip": [{"rows": [9]}], "a/b": {"~": [0, {"rows": [1, 2]}]}, "rows": [8]}';
    expect(await json(text, { ItemsPointer: '/a~1b/~0/1/rows' })).toEqual([1, 2]);
    expect(await json(text, { ItemsPointer: '/skip/0' })).toEqual([{ Key: 'rows', Value: [9] }]);
  });

  test('a key called __proto__ is a key like any other', async () => {
    const [item] = await json('[{"__proto__": {"polluted": true}}]');
    expect(JSON.stringify(item)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('a byte order mark is no part of it', async () => {
    expect(await json('\ufeff[1]')).toEqual([1]);
  });

  test('any JSON array is read as JSON.parse reads it, wherever its chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        async (value, size) => {
          const text = JSON.stringify(value);
          expect(await read(text, { InputType: 'JSON' }, size)).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([
    ['', /broken/],
    ['[1, 2', /ends too early/],
    ['[1,, 2]', /unexpected character at byte 3/],
    ['[1 2]', /unexpected/],
    ['{"a": [1}]', /unexpected/],
    ['{"a" 1}', /unexpected/],
    ['{1: 2}', /unexpected/],
    ['{"a": 1,}', /unexpected/],
    ['[1] [2]', /unexpected|broken/],
    ['[nul]', /broken/],
    ['["\\x"]', /broken/],
    ["['a']", /broken/],
    ['[01]', /broken|unexpected/],
    [Buffer.from([0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d]), /broken/],
    [Buffer.from('[1]', 'utf16le'), /broken/],
  ])('%j is refused as broken', async (text, cause) => {
    await expect(read(text, { InputType: 'JSON' })).rejects.toMatchObject(failure(cause));
  });

  test.each([['1'], ['"text"'], ['null']])('%s is nothing to iterate over', async (text) => {
    await expect(json(text)).rejects.toMatchObject(failure('Attempting to map over non-iterable node.'));
  });

  test('an ItemsPointer that finds nothing, or a scalar, or is none, says so', async () => {
    await expect(json('{"a": [1]}', { ItemsPointer: '/b' })).rejects.toMatchObject(
      failure(/'\/b' finds nothing/),
    );
    await expect(json('{"a": 1}', { ItemsPointer: '/a' })).rejects.toMatchObject(failure(/non-iterable/));
    await expect(json('[]', { ItemsPointer: 'a' })).rejects.toMatchObject(failure(/no JSON Pointer/));
  });

  test('nesting without end is refused, in an item and beside it', async () => {
    await expect(json('['.repeat(100_000))).rejects.toMatchObject(failure(/nests deeper than 500/));
    await expect(json(`{"a": ${'['.repeat(1000)}`, { ItemsPointer: '/b' })).rejects.toMatchObject(
      failure(/deeper/),
    );
  });

  test('a string without end is refused before it fills the memory', async () => {
    const endless = async function* () {
      yield Buffer.from('["');
      while (true) yield Buffer.alloc(1 << 20, 'x');
    };
    const store = { ...memoryStore({}), read: async () => endless() };
    await expect(all(readItems(store, source({ InputType: 'JSON' })))).rejects.toMatchObject(
      failure(/larger than/),
    );
  });

  test('an item of too many small parts is refused as well', async () => {
    const endless = async function* () {
      yield Buffer.from('[[1');
      while (true) yield Buffer.from(',1'.repeat(1 << 16));
    };
    const store = { ...memoryStore({}), read: async () => endless() };
    await expect(all(readItems(store, source({ InputType: 'JSON' })))).rejects.toMatchObject(
      failure(/larger than/),
    );
  });
});

describe('JSON Lines', () => {
  test('an item a line, with any line end, blank lines left out', async () => {
    expect(await read('{"a":1}\r\n\n[2]\n"3"', { InputType: 'JSONL' }, 1)).toEqual([{ a: 1 }, [2], '3']);
  });

  test('the line that is broken is named', async () => {
    await expect(read('{"a":1}\n{"a":', { InputType: 'JSONL' })).rejects.toMatchObject(failure(/^Line 2 /));
  });

  test('text that is not UTF-8 is refused', async () => {
    const latin1 = Buffer.from('"caf\u00e9"\n', 'latin1');
    await expect(read(latin1, { InputType: 'JSONL' })).rejects.toMatchObject(
      failure('The text is not valid UTF-8.'),
    );
  });

  test('gzip is unpacked, and broken gzip is an error of the reader', async () => {
    const packed = gzipSync('{"a":1}\n');
    expect(await read(packed, { InputType: 'JSONL' }, 1)).toEqual([{ a: 1 }]);
    await expect(read(packed.subarray(0, 12), { InputType: 'JSONL' })).rejects.toMatchObject(failure(/gzip/));
  });
});

describe('CSV', () => {
  const csv = (text: string | Uint8Array, config = {}, chunkBytes?: number) =>
    read(text, { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW', ...config }, chunkBytes);

  test.each([1, 2, 1000])('records with the header of the first row, in chunks of %i', async (chunkBytes) => {
    const text = '\ufeffid,name\r\n1,Ann\r\n2,"B, ""Bob""\nJr."\r\n\r\n3,\n';
    expect(await csv(text, {}, chunkBytes)).toEqual([
      { id: '1', name: 'Ann' },
      { id: '2', name: 'B, "Bob"\nJr.' },
      { id: '3', name: '' },
    ]);
  });

  test('given headers make the first row an item', async () => {
    const config = { CSVHeaderLocation: 'GIVEN', CSVHeaders: ['a', 'b'] };
    expect(await csv('1,2\n', config)).toEqual([{ a: '1', b: '2' }]);
  });

  test('missing fields are empty, further ones are left out', async () => {
    expect(await csv('a,b\n1\n1,2,3\n')).toEqual([
      { a: '1', b: '' },
      { a: '1', b: '2' },
    ]);
  });

  test.each([
    ['COMMA', ','],
    ['PIPE', '|'],
    ['SEMICOLON', ';'],
    ['SPACE', ' '],
    ['TAB', '\t'],
  ])('%s stands between fields', async (name, delimiter) => {
    const text = `a${delimiter}b\n1${delimiter}"x${delimiter}y"`;
    expect(await csv(text, { CSVDelimiter: name })).toEqual([{ a: '1', b: `x${delimiter}y` }]);
  });

  test('a backslash escapes a backslash, a quote and the delimiter, and is dropped before all else', async () => {
    const text = `a,b,c,d\n${String.raw`x\,y,\\,"\"q\n",\z`}\n`;
    expect(await csv(text)).toEqual([{ a: 'x,y', b: '\\', c: '"qn', d: 'z' }]);
  });

  test('quotes inside of a bare field stay, and two of them are one', async () => {
    expect(await csv('a,b\n5" pipe,6"" pipe\n')).toEqual([{ a: '5" pipe', b: '6" pipe' }]);
  });

  test('a header called __proto__ is a header like any other', async () => {
    expect(JSON.stringify(await csv('__proto__\nx\n'))).toBe('[{"__proto__":"x"}]');
  });

  test('nothing, or a header alone, is no item', async () => {
    expect(await csv('')).toEqual([]);
    expect(await csv('a,b\n')).toEqual([]);
  });

  test.each([
    ['a\n"never\nends', /quoted field of line 2 never ends/],
    ['a\n"x"y\n', /text after a quoted field in line 2/],
    [Buffer.from('a\ncaf\u00e9\n', 'latin1'), /UTF-8/],
    [`${'h'.repeat(10_241)}\n1\n`, /header has 10241 bytes/],
  ])('%# is refused as broken', async (text, cause) => {
    await expect(csv(text)).rejects.toMatchObject(failure(cause));
  });

  test('a quoted field without end is refused before it fills the memory', async () => {
    const endless = async function* () {
      yield Buffer.from('a\n"');
      while (true) yield Buffer.alloc(1 << 20, 'x');
    };
    const store = { ...memoryStore({}), read: async () => endless() };
    const config = { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' };
    await expect(all(readItems(store, source(config)))).rejects.toMatchObject(failure(/begins in line 2/));
  });

  test('any table comes back as it was written, wherever its chunks end', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ü', '😀') });
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field), { maxLength: 5 }),
        fc.integer({ min: 1, max: 5 }),
        async (rows, size) => {
          const text = rows.map((row) => `${row.map(quote).join(',')}\r\n`).join('');
          const config = { CSVHeaderLocation: 'GIVEN', CSVHeaders: ['a', 'b'] };
          expect(await csv(text, config, size)).toEqual(rows.map(([a, b]) => ({ a, b })));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('manifests', () => {
  const manifest = {
    sourceBucket: 'source',
    destinationBucket: 'arn:aws:s3:::b',
    version: '2016-11-30',
    fileFormat: 'CSV',
    fileSchema: 'Bucket, Key, Size',
    files: [{ key: 'data/1.csv.gz' }, { key: 'data/2.csv.gz' }],
  };
  const objects = {
    'b/k': JSON.stringify(manifest),
    'b/data/1.csv.gz': gzipSync('"source","a.png","10"\n"source","b.png","20"\n'),
    'b/data/2.csv.gz': gzipSync('"source","c.png","30"\n'),
  };

  test.each([{ InputType: 'MANIFEST' }, { ManifestType: 'S3_INVENTORY' }])(
    'an S3 inventory gives the rows of its files, by %j',
    async (config) => {
      expect(await all(readItems(memoryStore(objects), source(config)))).toEqual([
        { Bucket: 'source', Key: 'a.png', Size: '10' },
        { Bucket: 'source', Key: 'b.png', Size: '20' },
        { Bucket: 'source', Key: 'c.png', Size: '30' },
      ]);
    },
  );

  test('an inventory in another format is refused by name', async () => {
    const store = memoryStore({ 'b/k': JSON.stringify({ ...manifest, fileFormat: 'Parquet' }) });
    await expect(all(readItems(store, source({ InputType: 'MANIFEST' })))).rejects.toMatchObject(
      failure(/"Parquet"; only CSV/),
    );
  });

  test.each(['not json', '[]', '{"fileFormat": "CSV"}'])('%s is no manifest', async (text) => {
    await expect(read(text, { InputType: 'MANIFEST' })).rejects.toMatchObject(failure(/manifest/));
  });

  test('what Athena unloaded is read file by file, as the InputType says', async () => {
    const store = memoryStore({
      'b/k': 's3://b/out/1.gz\ns3://other/out/2\n',
      'b/out/1.gz': gzipSync('{"n":1}\n'),
      'other/out/2': '{"n":2}\n',
    });
    const config = { ManifestType: 'ATHENA_DATA', InputType: 'JSONL' };
    expect(await all(readSourcedItems(store, source(config)))).toEqual([
      { value: { n: 1 }, source: 'S3://b/out/1.gz' },
      { value: { n: 2 }, source: 'S3://other/out/2' },
    ]);
  });
});

describe('listings', () => {
  const objects = { 'b/in/1.json': '[1, 2]', 'b/in/2.json': '[3]', 'b/in/': '', 'b/other': '[4]' };
  const listing = (config: ItemSource['config'], rest: Partial<ItemSource> = {}) =>
    source(config, { resource: LIST, parameters: { Bucket: 'b', Prefix: 'in/' }, ...rest });

  test('an item is what S3 says of an object', async () => {
    const [first] = await all(readSourcedItems(memoryStore(objects), listing({})));
    expect(first).toEqual({
      value: { Etag: '"1"', Key: 'in/1.json', LastModified: 1, Size: 6, StorageClass: 'STANDARD' },
      source: 'S3://b',
    });
  });

  test('LOAD_AND_FLATTEN gives the items in the objects, one after another', async () => {
    const config = { Transformation: 'LOAD_AND_FLATTEN', InputType: 'JSON' };
    expect(await all(readItems(memoryStore(objects), listing(config)))).toEqual([1, 2, 3]);
  });
});

describe('reading', () => {
  test('MaxItems ends it, and closes the object', async () => {
    const store = memoryStore({ 'b/k': '[1, 2, 3' }, 4);
    expect(await all(readItems(store, source({ InputType: 'JSON' }, { maxItems: 2 })))).toEqual([1, 2]);
    expect(store.closed).toBe(1);
  });

  test.each(['JSON', 'JSONL', 'CSV'])('who stops early has closed the object, of %s', async (type) => {
    const store = memoryStore({ 'b/k': type === 'JSON' ? '[1, 2, 3]' : '"1"\n"2"\n"3"\n' }, 3);
    const config = { InputType: type, CSVHeaderLocation: 'FIRST_ROW' };
    for await (const _ of readItems(store, source(config))) break;
    expect(store.closed).toBe(1);
  });

  test.each([
    [source({ InputType: 'PARQUET' }), /InputType 'PARQUET' is not supported/],
    [source({}), /no InputType/],
    [source({ InputType: 'CSV' }), /needs the CSVHeaderLocation/],
    [source({ InputType: 'CSV', CSVHeaderLocation: 'GIVEN', CSVHeaders: [1] }), /CSVHeaders must be/],
    [
      source({ InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW', CSVDelimiter: 'constructor' }),
      /CSVDelimiter/,
    ],
    [source({ InputType: 'JSON' }, { parameters: { Bucket: 'b' } }), /no Key/],
    [source({ InputType: 'JSON' }, { parameters: { Bucket: 1, Key: 'k' } }), /Bucket must be a string/],
    [
      source({ InputType: 'JSON' }, { parameters: { Bucket: 'b', Key: 'none' } }),
      /key does not exist: 'none'/,
    ],
    [
      source({ InputType: 'JSON' }, { resource: 'arn:aws:states:::s3:headObject' }),
      /Resource .* is not supported/,
    ],
    [source({ Transformation: 'SHRED' }, { resource: LIST }), /Transformation 'SHRED'/],
  ])('what cannot be read is refused by name: %#', async (asked, cause) => {
    const store = memoryStore({ 'b/k': 'a\n' });
    await expect(all(readItems(store, asked))).rejects.toMatchObject(failure(cause));
  });
});
