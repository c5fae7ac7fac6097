/** What is said of a definition, in the shapes of AWS's two answers about definitions. */
import type { Diagnostic } from '../../src/asl/index.js';
import type { JsonObject } from '../../src/std/json.js';
import type { Case } from './corpus.js';
import type { Diagnosis } from './diagnosis.js';
import type { Findings } from './levels.js';

/** CreateStateMachine's refusal: that there is one, its code, its words. */
export function compareRefusal({ expected }: Case, { errors }: Diagnosis): Findings {
  const first = errors[0];
  const got = first && {
    code: 'InvalidDefinition',
    message: `Invalid State Machine Definition: '${shownInRefusal(first)}'`,
  };
  return new Map([
    ['output', got === undefined ? 'it was not refused' : undefined],
    ['error', unlike(expected.apiError?.code, got?.code)],
    ['cause', unlike(expected.apiError?.message, got?.message)],
  ]);
}

/** ValidateStateMachineDefinition's answer: its result, the codes of its diagnostics, all that they say. */
export function compareDiagnostics({ expected }: Case, { diagnostics, errors }: Diagnosis): Findings {
  const want = (expected.diagnostics ?? []).map(sorted);
  const got = diagnostics.map(shown).map(sorted);
  const codes = (list: JsonObject[]): string => list.map(({ code }) => String(code)).join(' ');
  return new Map([
    ['output', unlike(expected.result, errors.length > 0 ? 'FAIL' : 'OK')],
    ['error', unlike(codes(want), codes(got))],
    ['cause', unlike(JSON.stringify(want), JSON.stringify(got))],
  ]);
}

function unlike(want: string | undefined, got: string | undefined): string | undefined {
  return want === got ? undefined : `expected ${String(want)}\n  got      ${String(got)}`;
}

function shownInRefusal({ code, message, pointer }: Diagnostic): string {
  return `${code}: ${message} at ${pointer || '/'}`;
}

function shown({ code, message, pointer, severity }: Diagnostic): JsonObject {
  // What is wrong with the text itself has a place in the text, or none.
  if (code === 'INVALID_JSON_DESCRIPTION')
    return { code, message, location: message.replace(/^[\s\S]* at (?=\[)/, ''), severity };
  const location = message.startsWith('Definition must be') ? {} : { location: pointer || '/' };
  return { code, message, ...location, severity };
}

function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
