/** The behaviours that the corpus gives to functions. */
import type { Json } from '../../src/std/json.js';
import type { Answer } from '../engine/driver.js';
import { CaseError, type Lambda } from './corpus.js';

/** @throws CaseError for a source that the corpus's README does not list. */
export function handlerFor({ source, params }: Lambda): (input: Json) => Answer {
  switch (source) {
    case 'identity':
      return (input) => ({ output: input });
    case 'constant':
      return () => ({ output: params?.['value'] ?? null });
    case 'throw':
      return () => {
        const [errorType, errorMessage] = [String(params?.['errorType']), String(params?.['errorMessage'])];
        const cause = JSON.stringify({ errorMessage, errorType, requestId: '0', stackTrace: [] });
        return { error: errorType, cause };
      };
    case 'sleep-then-identity':
      return (input) => ({ output: input, afterMs: Number(params?.['seconds']) * 1000 });
    case 'repeat':
      return () => ({ output: String(params?.['text']).repeat(Number(params?.['times'])) });
    default:
      throw new CaseError(`no function behaves like '${source}'`);
  }
}
