import type { Logger } from 'pino';
import { listenForStrays } from './stray-errors.js';

/** A shutdown that takes longer than its grace and this is cut short. */
const OVERTIME_MS = 10_000;

/**
 * Ends the process in order on SIGTERM or SIGINT: `stop` is given its grace; a second signal, or a stop
 * that hangs, ends the process at once. A fault of ours that nobody caught ends it too, loudly; one of a handler fails
 * the call that it comes from, and the process goes on.
 */
export function stopOnSignals(stop: () => Promise<void>, graceMs: number, log: Logger): void {
  let stopping = false;
  const end = (signal: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error({}, 'the shutdown took too long; leaving the rest to others');
      process.exit(1);
    }, graceMs + OVERTIME_MS).unref();
    stop().then(
      () => {
        log.info({}, 'stopped');
        process.exit(0);
      },
      (error: unknown) => {
        log.error({ err: error }, 'the shutdown failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  listenForStrays(log);
}

/**
 * Runs a composition root: what fails while it starts is one clear line, not a stack trace, when it is the
 * operator's to mend.
 */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const known = error instanceof Error && OPERATORS.has(error.name);
    process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}

/** The errors whose message says to who started the process what to mend. */
const OPERATORS: ReadonlySet<string> = new Set(['ConfigError', 'HandlersError', 'StartError']);
