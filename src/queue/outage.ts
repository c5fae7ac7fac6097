/** Where this room reports to; pino's loggers fit. */
export interface Log {
  debug(about: object, message: string): void;
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

/**
 * Turns a stream of connection errors (one for every retry of every connection) into two lines: it is gone,
 * it is back.
 */
export class Outage {
  readonly #log: Log;
  readonly #what: string;
  #since: number | undefined;
  #over = false;

  constructor(log: Log, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** Something failed that would not have, were the connection there. */
  failed(error: unknown): void {
    if (this.#over) return;
    const about = { error: error instanceof Error ? error.message : String(error) };
    if (this.#since !== undefined) {
      this.#log.debug(about, `${this.#what} is still unreachable`);
      return;
    }
    this.#since = performance.now();
    this.#log.warn(about, `${this.#what} is unreachable; what rings now is rung again by the sweeper`);
  }

  recovered(): void {
    if (this.#since === undefined) return;
    const seconds = Math.round((performance.now() - this.#since) / 1000);
    this.#since = undefined;
    this.#log.info({ seconds }, `${this.#what} is reachable again`);
  }

  /** The connection is being closed by ourselves: what breaks from now on is no news. */
  end(): void {
    this.#over = true;
  }
}
