/** A WHERE clause in the making: every value goes in as a parameter, none as text. */
export class Conditions {
  readonly #parts: string[] = [];
  readonly values: unknown[] = [];

  /** `part` gets a function that takes a value and gives its placeholder. */
  add(part: (place: (value: unknown) => string) => string): void {
    this.#parts.push(part((value) => this.place(value)));
  }

  /** A value for elsewhere in the statement. */
  place(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** `WHERE …`, or nothing. */
  get sql(): string {
    return this.#parts.length === 0 ? '' : `WHERE ${this.#parts.join(' AND ')}`;
  }
}

/** Text that stands for itself in a LIKE pattern. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
