/** replaced below */
export class SteppedRegExp {
  lastIndex = 0;
  readonly #native: RegExp;
  constructor(pattern: RegExp) {
    this.#native = new RegExp(pattern);
  }
  exec(text: string): RegExpExecArray | null {
    this.#native.lastIndex = this.lastIndex;
    const found = this.#native.exec(text);
    this.lastIndex = this.#native.lastIndex;
    return found;
  }
}
