import { Tokenizer, TokenType } from '@streamparser/json';
import { type Json, type JsonObject, setField } from '../std/json.js';
import { ItemReaderError, MAX_ITEM_BYTES, MAX_ITEM_DEPTH } from './item-source.js';
import { fieldOf } from './object-store.js';

/** An item of a JSON document; `key` when what is iterated over is an object. */
interface JsonItem {
  value: Json;
  key?: string;
}

/**
 * The items of a JSON document of any size: the items of the array, or the fields of the object, at `pointer`
 * (RFC 6901; '' is the root). A field becomes `{Key, Value}`. Holds one item and the path to it in memory.
 *
 * @throws ItemReaderError when the text is no JSON, when nothing iterable is at `pointer`, or when an item is
 * larger or deeper than it may be; items before the fault have been given by then.
 */
export async function* jsonItems(bytes: AsyncIterable<Uint8Array>, pointer = ''): AsyncIterable<JsonItem> {
  const assembler = new Assembler(pointerTokens(pointer), pointer);
  const tokenizer = new Tokenizer();
  let written = 0;
  let lastToken = 0;
  tokenizer.onToken = ({ token, value, offset }) => {
    lastToken = offset;
    assembler.take(token, value, offset);
  };
  // The library puts its own words before the error that `take` threw; ours is kept as it is.
  tokenizer.onError = (error) => {
    throw error;
  };
  const guarded = (feed: () => void): void => {
    try {
      feed();
    } catch (error) {
      if (error instanceof ItemReaderError) throw error;
      throw new ItemReaderError(`The JSON is broken: ${fieldOf(error, 'message')}`, {
        from: error,
      });
    }
  };
  for await (const chunk of bytes) {
    // In slices, so that what waits to be taken stays small whatever the size of a chunk.
    for (let from = 0; from < chunk.length; from += SLICE) {
      const slice = chunk.subarray(from, from + SLICE);
      guarded(() => tokenizer.write(slice));
      written += slice.length;
      if (written - lastToken > MAX_ITEM_BYTES) throw tooLarge();
      yield* assembler.ready();
    }
  }
  guarded(() => {
    if (!tokenizer.isEnded) tokenizer.end();
  });
  yield* assembler.ready();
  assembler.end();
}

const SLICE = 64 * 1024;

interface Frame {
  /** What is being built; undefined outside of an item. */
  value: Json[] | JsonObject | undefined;
  isArray: boolean;
  /** How many of the pointer's words lead here; -1: it does not lead here. */
  matched: number;
  /** Whose children are the items. */
  isTarget: boolean;
  /** The field whose value comes next. */
  key: string;
  index: number;
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

/**
 * Puts tokens together to items, and holds them to JSON's grammar, which the tokenizer leaves to its user. The
 * library's own parser takes paths that cannot name a key with a dot or a star in it, and watches no limits.
 */
class Assembler {
  readonly #pointer: readonly string[];
  readonly #pointerText: string;
  readonly #stack: Frame[] = [];
  #expected: Expected = 'value';
  #found = false;
  #itemStart = 0;
  #items: JsonItem[] = [];

  constructor(pointer: readonly string[], pointerText: string) {
    this.#pointer = pointer;
    this.#pointerText = pointerText;
  }

  ready(): JsonItem[] {
    const items = this.#items;
    if (items.length > 0) this.#items = [];
    return items;
  }

  end(): void {
    if (this.#expected !== 'nothing') throw new ItemReaderError('The JSON is broken: it ends too early.');
    if (!this.#found) {
      throw new ItemReaderError(
        `The ItemsPointer '${this.#pointerText}' finds nothing in the JSON document.`,
      );
    }
  }

  take(token: TokenType, value: unknown, offset: number): void {
    const top = this.#stack.at(-1);
    if (top?.value !== undefined && offset - this.#itemStart > MAX_ITEM_BYTES) throw tooLarge();
    switch (token) {
      case TokenType.LEFT_BRACE:
      case TokenType.LEFT_BRACKET:
        this.#open(top, token === TokenType.LEFT_BRACKET, offset);
        break;
      case TokenType.RIGHT_BRACE:
      case TokenType.RIGHT_BRACKET:
        this.#close(top, token === TokenType.RIGHT_BRACKET, offset);
        break;
      case TokenType.COLON:
        this.#expect(offset, ':');
        this.#expected = 'value';
        break;
      case TokenType.COMMA:
        this.#expect(offset, ', or end');
        this.#expected = top?.isArray === true ? 'value' : 'key';
        break;
      case TokenType.STRING:
        if (this.#expected === 'key' || this.#expected === 'key or }') {
          if (top !== undefined) top.key = String(value);
          this.#expected = ':';
        } else {
          this.#scalar(top, String(value), offset);
        }
        break;
      case TokenType.NUMBER:
        this.#scalar(top, Number(value), offset);
        break;
      case TokenType.TRUE:
      case TokenType.FALSE:
        this.#scalar(top, token === TokenType.TRUE, offset);
        break;
      case TokenType.NULL:
        this.#scalar(top, null, offset);
        break;
      case TokenType.SEPARATOR:
        throw broken(offset);
    }
  }

  #open(top: Frame | undefined, isArray: boolean, offset: number): void {
    this.#expect(offset, 'value', 'value or ]');
    if (this.#stack.length >= MAX_ITEM_DEPTH) {
      throw new ItemReaderError(`The JSON nests deeper than ${MAX_ITEM_DEPTH} levels.`);
    }
    const matched = this.#matches(top);
    const isTarget = matched === this.#pointer.length && !this.#found;
    const isItem = top?.isTarget === true;
    if (isTarget) this.#found = true;
    if (isItem) this.#itemStart = offset;
    const builds = isItem || top?.value !== undefined;
    this.#stack.push({
      value: builds ? (isArray ? [] : {}) : undefined,
      isArray,
      matched,
      isTarget,
      key: '',
      index: 0,
    });
    this.#expected = isArray ? 'value or ]' : 'key or }';
  }

  #close(top: Frame | undefined, isArray: boolean, offset: number): void {
    this.#expect(offset, ', or end', isArray ? 'value or ]' : 'key or }');
    if (top === undefined || top.isArray !== isArray) throw broken(offset);
    this.#stack.pop();
    this.#finish(this.#stack.at(-1), top.value);
  }

  #scalar(top: Frame | undefined, value: Json, offset: number): void {
    this.#expect(offset, 'value', 'value or ]');
    if (!this.#found && this.#matches(top) === this.#pointer.length) {
      throw new ItemReaderError('Attempting to map over non-iterable node.');
    }
    this.#finish(top, value);
  }

  /** A value is whole: it becomes an item, a part of one, or nothing. */
  #finish(parent: Frame | undefined, value: Json | undefined): void {
    this.#expected = parent === undefined ? 'nothing' : ', or end';
    if (parent === undefined) return;
    if (value !== undefined) {
      if (parent.isTarget) {
        this.#items.push(
          parent.isArray ? { value } : { key: parent.key, value: { Key: parent.key, Value: value } },
        );
      } else if (Array.isArray(parent.value)) {
        parent.value.push(value);
      } else if (parent.value !== undefined) {
        setField(parent.value, parent.key, value);
      }
    }
    parent.index += 1;
  }

  #matches(parent: Frame | undefined): number {
    if (parent === undefined) return 0;
    if (parent.matched < 0 || parent.matched >= this.#pointer.length) return -1;
    const place = parent.isArray ? String(parent.index) : parent.key;
    return this.#pointer[parent.matched] === place ? parent.matched + 1 : -1;
  }

  #expect(offset: number, ...allowed: Expected[]): void {
    if (!allowed.includes(this.#expected)) throw broken(offset);
  }
}

function pointerTokens(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) {
    throw new ItemReaderError(`The ItemsPointer '${pointer}' is no JSON Pointer.`);
  }
  return pointer
    .slice(1)
    .split('/')
    .map((word) => word.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function broken(offset: number): ItemReaderError {
  return new ItemReaderError(`The JSON is broken: unexpected character at byte ${offset}.`);
}

function tooLarge(): ItemReaderError {
  return new ItemReaderError(`A value of the JSON document is larger than ${MAX_ITEM_BYTES} bytes.`);
}
