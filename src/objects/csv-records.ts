import { ItemReaderError, MAX_ITEM_BYTES } from './item-source.js';

/**
 * The records of a delimited text, by the rules that AWS documents for ItemReader:
 *
 * 1. Records end with LF or CRLF; a line without anything on it is no record.
 * 2. A field in double quotes may hold delimiters and line ends. Two double quotes are one, in such a field or not.
 * 3. A backslash takes away the meaning of a backslash, a double quote or the delimiter that follows it; before
 *    anything else it is dropped.
 * 4. Every field is a string, kept as it is, spaces included.
 *
 * The third rule is AWS's own, and no CSV library has it together with the second.
 *
 * @throws ItemReaderError for a quoted field that never ends or has text after it, and for a record that is
 * larger than an item may be.
 */
export async function* csvRecords(text: AsyncIterable<string>, delimiter: string): AsyncIterable<string[]> {
  const scanner = new Scanner(delimiter);
  for await (const chunk of text) yield* scanner.scan(chunk);
  yield* scanner.end();
}

/** Between two characters: where the next one stands. Nothing is looked ahead at, so a chunk may end anywhere. */
type Place = 'start' | 'bare' | 'bare quote' | 'quoted' | 'quoted quote';

class Scanner {
  readonly #delimiter: number;
  #place: Place = 'start';
  #escaping = false;
  /** A CR that is dropped if LF follows it. */
  #held = '';
  #field = '';
  #record: string[] = [];
  #size = 0;
  #line = 1;
  #quoteLine = 1;

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  *scan(chunk: string): Iterable<string[]> {
    // What stands between two characters that mean something is taken at once.
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      const isPlain =
        code !== LF && code !== CR && code !== QUOTE && code !== BACKSLASH && code !== this.#delimiter;
      if (
        isPlain &&
        !this.#escaping &&
        this.#held === '' &&
        (this.#place === 'bare' || this.#place === 'quoted')
      ) {
        continue;
      }
      this.#append(chunk.slice(from, at));
      from = at + 1;
      if (code === LF && this.#endsRecordAtLineFeed()) {
        const record = this.#takeRecord();
        if (record !== undefined) yield record;
        continue;
      }
      this.#character(code, chunk.charAt(at));
    }
    this.#append(chunk.slice(from));
    if (this.#size > MAX_ITEM_BYTES) {
      const where = this.#place === 'quoted' ? `; a quoted field begins in line ${this.#quoteLine}` : '';
      throw new ItemReaderError(`A CSV record is larger than ${MAX_ITEM_BYTES} bytes${where}.`);
    }
  }

  *end(): Iterable<string[]> {
    if (this.#place === 'quoted') {
      throw new ItemReaderError(`The CSV is broken: the quoted field of line ${this.#quoteLine} never ends.`);
    }
    const record = this.#takeRecord();
    if (record !== undefined) yield record;
  }

  #append(text: string): void {
    this.#field += text;
    this.#size += text.length;
  }

  /** Rule 3 has it that a backslash before a line feed is dropped, and the line feed keeps its meaning. */
  #endsRecordAtLineFeed(): boolean {
    this.#line += 1;
    this.#escaping = false;
    return this.#place !== 'quoted';
  }

  #character(code: number, text: string): void {
    const isEscaped = this.#escaping && (code === BACKSLASH || code === QUOTE || code === this.#delimiter);
    this.#escaping = false;
    if (isEscaped) this.#append(text);
    else if (this.#place === 'quoted') this.#inQuotes(code, text);
    else if (this.#place === 'quoted quote') this.#afterQuotes(code, text);
    else this.#outsideQuotes(code, text);
  }

  #inQuotes(code: number, text: string): void {
    if (code === BACKSLASH) this.#escaping = true;
    else if (code === QUOTE) this.#place = 'quoted quote';
    else this.#append(text);
  }

  /** The quote before was the end of the field, or the first of two. */
  #afterQuotes(code: number, text: string): void {
    if (this.#held === '' && code === QUOTE) {
      this.#place = 'quoted';
      this.#append(text);
    } else if (this.#held === '' && code === CR) {
      this.#held = text;
    } else if (this.#held === '' && code === this.#delimiter) {
      this.#endField();
    } else {
      throw new ItemReaderError(`The CSV is broken: text after a quoted field in line ${this.#line}.`);
    }
  }

  #outsideQuotes(code: number, text: string): void {
    this.#append(this.#held);
    this.#held = '';
    if (code === this.#delimiter) {
      this.#endField();
    } else if (code === QUOTE && this.#place === 'start') {
      this.#place = 'quoted';
      this.#quoteLine = this.#line;
    } else if (code === QUOTE && this.#place === 'bare quote') {
      this.#place = 'bare'; // the second of two
    } else {
      if (code === CR) this.#held = text;
      else if (code === BACKSLASH) this.#escaping = true;
      else this.#append(text);
      this.#place = code === QUOTE ? 'bare quote' : 'bare';
    }
  }

  #endField(): void {
    this.#record.push(this.#field);
    this.#field = '';
    this.#place = 'start';
    // An empty field takes room as well.
    this.#size += 8;
  }

  #takeRecord(): string[] | undefined {
    const isBlank = this.#record.length === 0 && this.#field === '' && !this.#place.startsWith('quoted');
    this.#held = '';
    this.#escaping = false;
    this.#endField();
    const record = this.#record;
    this.#record = [];
    this.#size = 0;
    return isBlank ? undefined : record;
  }
}

const LF = 10;
const CR = 13;
const QUOTE = 34;
const BACKSLASH = 92;
