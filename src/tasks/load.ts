import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Handler, HandlerSettings } from './handlers.js';
import { runFrom } from './strays.js';

/**
 * Loads the handlers module.
 * @param path of a module whose default export is an object of functions (see `defineHandlers`).
 * @returns each with its settings.
 * @throws HandlersError that says what the module lacks, or why it does not load.
 */
export async function loadHandlers(path: string): Promise<Readonly<Record<string, HandlerSettings>>> {
  const module = await importModule(resolve(path));
  const found =
    typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (typeof found !== 'object' || found === null) {
    throw new HandlersError(
      `HANDLERS: ${path} has no default export that is an object of functions. See defineHandlers.`,
    );
  }
  const handlers: Record<string, HandlerSettings> = {};
  for (const [name, given] of Object.entries(found as Record<string, unknown>)) {
    const { handler, ...settings } = readSettings(name, path, given);
    handlers[name] = {
      ...settings,
      handler: (input, context) => handler.call(found, input, context) as unknown,
    };
  }
  return handlers;
}

function readSettings(name: string, path: string, given: unknown): HandlerSettings {
  const refuse = (what: string): never => {
    throw new HandlersError(`HANDLERS: '${name}' in ${path} ${what}.`);
  };
  if (typeof given === 'function') return { handler: given as Handler };
  if (
    typeof given !== 'object' ||
    given === null ||
    !('handler' in given) ||
    typeof given.handler !== 'function'
  )
    return refuse(`is a ${typeof given}, not a function, nor an object whose 'handler' is one`);
  for (const key of Object.keys(given))
    if (!['handler', 'isolation', 'timeoutMs'].includes(key))
      refuse(`has '${key}'; expected handler, isolation and timeoutMs`);
  const { isolation, timeoutMs } = given as Record<string, unknown>;
  if (isolation !== undefined && isolation !== 'thread' && isolation !== 'none')
    return refuse(`has an isolation other than 'thread' and 'none'`);
  if (timeoutMs !== undefined && !isTimeout(timeoutMs))
    return refuse(`has a timeoutMs that is no whole number from 1 to ${String(LONGEST_TIMER_MS)}`);
  return {
    handler: given.handler as Handler,
    ...(isolation !== undefined && { isolation }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function isTimeout(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LONGEST_TIMER_MS;
}

/** `setTimeout` takes at most 2^31 - 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The handlers module is not what it should be: for who starts the worker to mend. */
export class HandlersError extends Error {
  override readonly name = 'HandlersError';
}

async function importModule(file: string): Promise<unknown> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new HandlersError(`HANDLERS: there is no file ${file}.`);
  try {
    // What it starts now, a timer or a pool of connections, is its own, also when it goes wrong later.
    return await runFrom(
      { about: { module: file } },
      () => import(pathToFileURL(file).href) as Promise<unknown>,
    );
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
