import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ItemReaderError, MAX_ITEM_BYTES } from './item-source.js';
import { fieldOf } from './object-store.js';

/**
 * The bytes of an object, unpacked where they are gzip. They say so themselves, by their first two bytes, which
 * no text in UTF-8 begins with: what Athena writes has no name that ends in `.gz` in every case.
 */
export async function* unpacked(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array>;
  do first = await iterator.next();
  while (first.done !== true && first.value.length === 0);
  if (first.done === true) return;
  let head = first.value;
  while (head.length < 2) {
    const more = await iterator.next();
    if (more.done === true) break;
    head = Buffer.concat([head, more.value]);
  }
  const whole = putBack(head, iterator);
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(whole);
  else yield* whole;
}

async function* putBack(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* gunzip(packed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const source = Readable.from(packed, { objectMode: false });
  const plain = createGunzip();
  source.on('error', (error) => plain.destroy(error));
  source.pipe(plain);
  try {
    for await (const chunk of plain) yield chunk;
  } catch (error) {
    if (!fieldOf(error, 'code').startsWith('Z_')) throw error;
    throw new ItemReaderError(`The gzip data is broken: ${fieldOf(error, 'message')}.`, { from: error });
  } finally {
    source.destroy();
  }
}

/**
 * Bytes as text, a leading byte order mark left out.
 * @throws ItemReaderError when they are not UTF-8.
 */
export async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new ItemReaderError('The text is not valid UTF-8.', { from: error });
    }
  };
  for await (const chunk of bytes) {
    const text = decode(chunk);
    if (text !== '') yield text;
  }
  const text = decode();
  if (text !== '') yield text;
}

/**
 * The lines of a text, without their ends (LF or CRLF).
 * @throws ItemReaderError for a line that is longer than an item may be.
 */
export async function* linesOf(text: AsyncIterable<string>): AsyncIterable<string> {
  let pieces: string[] = [];
  let length = 0;
  const take = (last: string): string => {
    const line = pieces.length === 0 ? last : [...pieces, last].join('');
    pieces = [];
    length = 0;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  };
  for await (const chunk of text) {
    let from = 0;
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', from)) {
      yield take(chunk.slice(from, at));
      from = at + 1;
    }
    if (from === chunk.length) continue;
    pieces.push(chunk.slice(from));
    length += chunk.length - from;
    if (length > MAX_ITEM_BYTES) throw new ItemReaderError(`A line is longer than ${MAX_ITEM_BYTES} bytes.`);
  }
  if (pieces.length > 0) yield take('');
}
