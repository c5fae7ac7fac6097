import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Handler, Handlers } from './handlers.js';

/**
 * Loads the handlers module.
 * @param path of a module whose default export is an object of functions (see `defineHandlers`).
 * @throws Error that says what the module lacks.
 */
export async function loadHandlers(path: string): Promise<Handlers> {
  const module: unknown = await import(pathToFileURL(resolve(path)).href);
  const found =
    typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (typeof found !== 'object' || found === null) {
    throw new Error(
      `HANDLERS: ${path} has no default export that is an object of functions. See defineHandlers.`,
    );
  }
  const handlers: Record<string, Handler> = {};
  for (const [name, handler] of Object.entries(found)) {
    if (typeof handler !== 'function')
      throw new Error(`HANDLERS: '${name}' in ${path} is a ${typeof handler}, not a function.`);
    handlers[name] = (input, context) => handler.call(found, input, context) as unknown;
  }
  return handlers;
}
