/** What is said of a definition, in the shapes of AWS's two answers about definitions. */
import type { JsonObject } from '../../src/std/json.js';
import type { Case } from './corpus.js';
import { sameFor } from './difference.js';
import type { Findings } from './levels.js';
import type { Complaint, Judgement } from './through.js';

/** CreateStateMachine's refusal: that there is one, its code, its words. */
export function compareRefusal(one: Case, { errors }: Judgement): Findings {
  const { apiError } = one.expected;
  const same = sameFor(one);
  const first = errors[0];
  const got = first && {
    code: 'InvalidDefinition',
    message: `Invalid State Machine Definition: '${shownInRefusal(first)}'`,
  };
  return new Map([
    ['output', got === undefined ? 'it was not refused' : undefined],
    ['error', same('code', apiError?.code, got?.code)],
    ['cause', same('message', apiError?.message, got?.message)],
  ]);
}

/** ValidateStateMachineDefinition's answer: its result, the codes of its diagnostics, all that they say. */
export function compareDiagnostics(one: Case, { diagnostics, errors }: Judgement): Findings {
  const { result, diagnostics: want = [] } = one.expected;
  const got = diagnostics.map(shown);
  const codes = (list: JsonObject[]): string => list.map(({ code }) => String(code)).join(' ');
  return new Map([
    ['output', unlike(result, errors.length > 0 ? 'FAIL' : 'OK')],
    ['error', unlike(codes(want), codes(got))],
    ['cause', sameFor(one)('diagnostics', want, got)],
  ]);
}

function unlike(want: string | undefined, got: string | undefined): string | undefined {
  return want === got ? undefined : `expected ${String(want)}\n  got      ${String(got)}`;
}

function shownInRefusal({ code, message, pointer }: Complaint): string {
  return `${code}: ${message} at ${pointer || '/'}`;
}

function shown({ code, message, pointer, severity }: Complaint): JsonObject {
  // What is wrong with the text itself has a place in the text, or none.
  if (code === 'INVALID_JSON_DESCRIPTION')
    return { code, message, location: message.replace(/^[\s\S]* at (?=\[)/, ''), severity };
  const location = message.startsWith('Definition must be') ? {} : { location: pointer || '/' };
  return { code, message, ...location, severity };
}
