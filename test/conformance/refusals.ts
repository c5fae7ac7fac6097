/** What is said of a definition, in the shapes of AWS's two answers about definitions. */
import { type Diagnostic, parseDefinition, validateDefinition } from '../../src/asl/index.js';
import type { JsonObject } from '../../src/std/json.js';
import type { Case } from './corpus.js';

/** What differs from the recorded refusal, or list of diagnostics; undefined when nothing does. */
export function refusalDifference(one: Case): string | undefined {
  const diagnostics = diagnose(one);
  if (one.kind === 'create-error') {
    const [first] = diagnostics.filter(({ severity }) => severity === 'ERROR').map(shownInRefusal);
    const got = first === undefined ? undefined : `Invalid State Machine Definition: '${first}'`;
    return got === one.expected.apiError?.message
      ? undefined
      : `expected ${String(one.expected.apiError?.message)}\n  got      ${String(got)}`;
  }
  const want = JSON.stringify((one.expected.diagnostics ?? []).map(sorted));
  const got = JSON.stringify(diagnostics.map(shown).map(sorted));
  return got === want ? undefined : `expected ${want}\n  got      ${got}`;
}

function diagnose(one: Case): Diagnostic[] {
  const parsed = parseDefinition(one.definitionText ?? one.definition ?? '');
  if (!parsed.ok) return parsed.diagnostics;
  const type = one.machineType === 'EXPRESS' ? 'EXPRESS' : 'STANDARD';
  return validateDefinition(parsed.definition, { type });
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
