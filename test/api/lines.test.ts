import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { readLines } from '../../src/api/lines.js';
import type { Json } from '../../src/std/json.js';

const limits = { lineLimit: 100, bodyLimit: 10_000 };

async function linesOf(chunks: readonly (string | Buffer)[], own = limits): Promise<Json[]> {
  const values: Json[] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const { value } of readLines(stream, own)) values.push(value);
  return values;
}

describe('readLines', () => {
  test('gives a value a line, with and without a line feed at the end', async () => {
    expect(await linesOf(['{"a":1}\n[2]\n"x"\nnull\n'])).toEqual([{ a: 1 }, [2], 'x', null]);
    expect(await linesOf(['1\n2'])).toEqual([1, 2]);
    expect(await linesOf([''])).toEqual([]);
  });

  test('does not care where chunks are cut, not even inside of a character', async () => {
    const bytes = Buffer.from('{"a":"é😀"}\r\n\r\n{"b":2}\n');
    const one = Array.from(bytes, (_byte, i) => bytes.subarray(i, i + 1));
    expect(await linesOf(one)).toEqual([{ a: 'é😀' }, { b: 2 }]);
  });

  test('skips blank lines, and counts them', async () => {
    expect(await linesOf(['\n \t\r\n1\n\n2\n\n'])).toEqual([1, 2]);
    await expect(linesOf(['1\n\n\n{broken\n4\n'])).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'Line 4 is not JSON: a word that JSON does not have stands at column 2.',
      details: [{ pointer: '/4' }],
    });
  });

  test('numbers what it gives by its line, blank ones counted', async () => {
    const given: unknown[] = [];
    for await (const line of readLines(Readable.from([Buffer.from('\n"a"\n\n"b"')]), limits))
      given.push(line);
    expect(given).toEqual([
      { line: 2, value: 'a' },
      { line: 4, value: 'b' },
    ]);
  });

  test.each([
    ['1\n"a\\u0000"\n', '/2'],
    ['{"a":["\\ud800"]}\n', '/1/a/0'],
    [`1\n2\n${'['.repeat(99)}\n`, '/3'],
  ])('refuses the bad line in %j and says which', async (text, pointer) => {
    await expect(linesOf([text])).rejects.toMatchObject({ code: 'INVALID_INPUT', details: [{ pointer }] });
  });

  test('gives what came before the bad line first', async () => {
    const lines = readLines(Readable.from([Buffer.from('1\n2\n{')]), limits);
    expect((await lines.next()).value).toEqual({ line: 1, value: 1 });
    expect((await lines.next()).value).toEqual({ line: 2, value: 2 });
    await expect(lines.next()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('refuses a line that is too long, also one that never ends, without keeping it', async () => {
    const long = `"${'x'.repeat(98)}"`;
    expect(await linesOf([long])).toHaveLength(1);
    await expect(linesOf([`1\n${long} \n`])).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: [{ pointer: '/2' }],
    });
    let sent = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          sent++;
          yield Buffer.alloc(50, 'x');
        }
      })(),
    );
    const reading = readLines(endless, limits);
    await expect(reading.next()).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect(sent).toBeLessThan(30); // what the stream reads ahead
    endless.destroy();
  });

  test('refuses a body that is too large as a whole', async () => {
    await expect(linesOf(['1\n'.repeat(6000)])).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: [{ pointer: '' }],
    });
  });

  test('reads no further than it is asked to', async () => {
    let sent = 0;
    const source = Readable.from(
      (function* () {
        for (; sent < 100_000; sent++) yield Buffer.from('{"a":1}\n');
      })(),
    );
    const lines = readLines(source, { lineLimit: 100, bodyLimit: 10_000_000 });
    for (let i = 0; i < 10; i++) await lines.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sent).toBeLessThan(100);
    await lines.return();
    expect(source.destroyed).toBe(false);
  });

  test('a stream that breaks is a body that ended too early', async () => {
    const broken = new Readable({ read() {} });
    broken.push('1\n2');
    const lines = readLines(broken, limits);
    expect((await lines.next()).value).toEqual({ line: 1, value: 1 });
    const next = lines.next();
    broken.destroy(new Error('aborted'));
    await expect(next).rejects.toMatchObject({ code: 'INVALID_INPUT', message: /ended before/ });
  });
});
