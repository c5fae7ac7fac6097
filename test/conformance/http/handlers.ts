/** The HANDLERS module of the runner's worker: every function of every case, under the name that only it has. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type Json } from '../../../src/std/json.js';
import { defineHandlers, type Handler } from '../../../src/tasks/index.js';
import type { Lambda } from '../corpus.js';
import { handlerFor } from '../functions.js';

export default defineHandlers(readHandlers(process.env['CONFORMANCE_FUNCTIONS']));

function readHandlers(file: string | undefined): Record<string, Handler> {
  if (file === undefined) throw new Error('CONFORMANCE_FUNCTIONS does not say where the functions are');
  const functions = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Lambda>;
  return Object.fromEntries(Object.entries(functions).map(([name, lambda]) => [name, behaving(lambda)]));
}

/** In real time: it sleeps, returns and throws. */
function behaving(lambda: Lambda): Handler {
  const behave = handlerFor(lambda);
  return async (input: Json, { signal }) => {
    const answer = behave(input);
    if (answer.afterMs !== undefined) await sleep(answer.afterMs, undefined, { signal });
    if ('output' in answer) return answer.output;
    throw Object.assign(new Error(messageIn(answer.cause)), { name: answer.error });
  };
}

/** The message in a failed function's cause. */
function messageIn(cause: string | undefined): string {
  const parsed = JSON.parse(cause ?? 'null') as Json;
  return isObject(parsed) ? String(parsed['errorMessage']) : '';
}
