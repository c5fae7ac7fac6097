/**
 * What nobody caught. A fault of ours ends the process, loudly; one that comes from a call of a handler fails that call,
 * and the process goes on with the others. So does `process.exit` in a handler: it is not its process.
 */
import type { Logger } from 'pino';
import { failureOf, type Source, strayFrom } from '../tasks/index.js';

export function listenForStrays(log: Logger): void {
  const onStray = (what: string) => (error: unknown) => {
    const source = strayFrom();
    if (source === undefined) {
      log.fatal({ err: error }, what);
      process.exit(1);
    }
    failCall(source, error, log);
  };
  process.on('uncaughtException', onStray('uncaught'));
  process.on('unhandledRejection', onStray('unhandled rejection'));

  const exit = process.exit.bind(process);
  process.exit = (code) => {
    const source = strayFrom();
    if (source === undefined) return exit(code);
    const error = new Error(`The handler called process.exit(${String(code ?? '')}).`);
    error.name = 'Handler.Exited';
    failCall(source, error, log);
    // Whoever calls it does not expect to go on.
    throw error;
  };
}

function failCall({ about, fail }: Source, thrown: unknown, log: Logger): void {
  fail?.(thrown);
  // Not the error itself: what a handler throws may throw when it is looked at.
  const { error, cause } = failureOf(thrown);
  log.error({ ...about, error, cause }, 'a handler let an error slip that nobody caught');
}
