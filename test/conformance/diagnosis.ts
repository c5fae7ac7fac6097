/** What parse and validate say of a case's definition. */
import { parseDefinition, validateDefinition } from '../../src/asl/index.js';
import type { JsonObject } from '../../src/std/json.js';
import { type Case, isExpress } from './corpus.js';
import type { Judgement } from './through.js';

export interface Diagnosis extends Judgement {
  /** Undefined when its text cannot be read. */
  definition: JsonObject | undefined;
}

export function diagnose(one: Case): Diagnosis {
  const parsed = parseDefinition(one.definitionText ?? one.definition ?? '');
  const type = isExpress(one) ? 'EXPRESS' : 'STANDARD';
  const diagnostics = parsed.ok ? validateDefinition(parsed.definition, { type }) : parsed.diagnostics;
  return {
    definition: parsed.ok ? parsed.definition : undefined,
    diagnostics,
    errors: diagnostics.filter(({ severity }) => severity === 'ERROR'),
  };
}
