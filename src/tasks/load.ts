import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Handler, Handlers } from './handlers.js';

/**
 * Loads the handlers module.
 * @param path of a module whose default export is an object of functions (see `defineHandlers`).
 * @throws HandlersError that says what the module lacks, or why it does not load.
 */
export async function loadHandlers(path: string): Promise<Handlers> {
  const module = await importModule(resolve(path));
  const found =
    typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (typeof found !== 'object' || found === null) {
    throw new HandlersError(
      `HANDLERS: ${path} has no default export that is an object of functions. See defineHandlers.`,
    );
  }
  const handlers: Record<string, Handler> = {};
  for (const [name, handler] of Object.entries(found)) {
    if (typeof handler !== 'function')
      throw new HandlersError(`HANDLERS: '${name}' in ${path} is a ${typeof handler}, not a function.`);
    handlers[name] = (input, context) => handler.call(found, input, context) as unknown;
  }
  return handlers;
}

/** The handlers module is not what it should be: for who starts the worker to mend. */
export class HandlersError extends Error {
  override readonly name = 'HandlersError';
}

async function importModule(file: string): Promise<unknown> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new HandlersError(`HANDLERS: there is no file ${file}.`);
  try {
    return await import(pathToFileURL(file).href);
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    // Where its author has to look. What it imports and is not there has no place but our own.
    const isMissing = 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    const place = isMissing ? undefined : placeOf(error, file);
    const what = `${error.name}: ${error.message.split('\n', 1)[0]}`;
    throw new HandlersError(
      `HANDLERS: ${file} cannot be loaded: ${what}${place === undefined ? '' : ` (${place})`}`,
      { cause },
    );
  }
}

function placeOf(error: Error, file: string): string | undefined {
  const place = /file:\/\/[^\s()]+:\d+(?::\d+)?/.exec(error.stack ?? '')?.[0];
  // Of a syntax error only Node's own printer knows the place.
  return place ?? (error instanceof SyntaxError ? `\`node --check ${file}\` says where` : undefined);
}
