import type { Json, JsonObject } from '../std/json.js';
import { getField, isObject } from '../std/json.js';

/**
 * The fields of an object whose types validation has assured. Reading one that is of another type
 * throws: a definition that was not validated has come to the compiler.
 */
export class Fields {
  readonly source: JsonObject;
  readonly #owner: string;

  constructor(object: JsonObject, owner: string) {
    this.source = object;
    this.#owner = owner;
  }

  any(name: string): Json | undefined {
    return getField(this.source, name);
  }

  text(name: string): string | undefined {
    const value = this.any(name);
    return value === undefined || typeof value === 'string' ? value : this.#refuse(name, 'a string');
  }

  textOrNull(name: string): string | null | undefined {
    return this.any(name) === null ? null : this.text(name);
  }

  needText(name: string): string {
    return this.text(name) ?? this.#refuse(name, 'a string');
  }

  number(name: string): number | undefined {
    const value = this.any(name);
    return value === undefined || typeof value === 'number' ? value : this.#refuse(name, 'a number');
  }

  list(name: string): Json[] {
    const value = this.any(name) ?? [];
    return Array.isArray(value) ? value : this.#refuse(name, 'an array');
  }

  texts(name: string): string[] {
    return this.list(name).map((item) =>
      typeof item === 'string' ? item : this.#refuse(name, 'an array of strings'),
    );
  }

  object(name: string): JsonObject {
    const value = this.any(name);
    return isObject(value) ? value : this.#refuse(name, 'an object');
  }

  /** The object that a field holds; undefined when there is no such field. */
  inner(name: string): Fields | undefined {
    if (this.any(name) === undefined) return undefined;
    return new Fields(this.object(name), `${name} of ${this.#owner}`);
  }

  /** The objects of a list, empty when there is no such field. */
  objects(name: string): Fields[] {
    return this.list(name).map((item) =>
      isObject(item)
        ? new Fields(item, `${name} of ${this.#owner}`)
        : this.#refuse(name, 'an array of objects'),
    );
  }

  #refuse(name: string, expected: string): never {
    throw new TypeError(`${name} of ${this.#owner} must be ${expected}`);
  }
}
