/** What parse and validate say of a case's definition. */
import { type Diagnostic, parseDefinition, validateDefinition } from '../../src/asl/index.js';
import type { JsonObject } from '../../src/std/json.js';
import type { Case } from './corpus.js';

export interface Diagnosis {
  /** Undefined when its text cannot be read. */
  definition: JsonObject | undefined;
  diagnostics: Diagnostic[];
  /** Those that refuse it. */
  errors: Diagnostic[];
  /** By name, each once, what keeps it from running and nothing else does; empty otherwise. */
  notSupported: string[];
}

export function diagnose(one: Case): Diagnosis {
  const parsed = parseDefinition(one.definitionText ?? one.definition ?? '');
  const type = one.machineType === 'EXPRESS' || one.kind.startsWith('express') ? 'EXPRESS' : 'STANDARD';
  const diagnostics = parsed.ok ? validateDefinition(parsed.definition, { type }) : parsed.diagnostics;
  const errors = diagnostics.filter(({ severity }) => severity === 'ERROR');
  return {
    definition: parsed.ok ? parsed.definition : undefined,
    diagnostics,
    errors,
    notSupported: errors.every(isNotSupported) ? [...new Set(errors.map(featureOf))] : [],
  };
}

function isNotSupported({ code }: Diagnostic): boolean {
  return code === 'NOT_SUPPORTED_YET';
}

/** "Not supported yet: FEATURE, found the resource …." */
function featureOf({ message }: Diagnostic): string {
  return message.replace(/^Not supported yet: /, '').replace(/(, found .*)?\.$/s, '');
}
