/** Definitions on their way in: parsed, and diagnosed in full. */
import { type Diagnostic, parseDefinition, validateDefinition } from '../asl/index.js';
import type { Json, JsonObject } from '../std/json.js';
import type { MachineType } from '../store/index.js';
import { OperationError, refusal } from './errors.js';
import { payloadText } from './payloads.js';
import type { ValidationView } from './types.js';

/** AWS's own limit on a definition, in bytes. */
const DEFINITION_LIMIT = 1024 * 1024;

/**
 * A definition that can run.
 * @throws OperationError INVALID_DEFINITION with every complaint, its pointer into the definition.
 */
export function readDefinition(source: Json, type: MachineType = 'STANDARD'): JsonObject {
  const { definition, diagnostics } = diagnose(source, type);
  const errors = diagnostics.filter(({ severity }) => severity === 'ERROR');
  if (definition === undefined || errors.length > 0) {
    const [first] = errors;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    throw new OperationError(
      'INVALID_DEFINITION',
      `${first?.message ?? 'The definition is not valid.'}${more}`,
      {
        details: errors.map(({ pointer, code, message }) => ({ pointer, code, message })),
      },
    );
  }
  payloadText(definition, DEFINITION_LIMIT, '/definition');
  return definition;
}

/** What there is to say about a definition. Refuses nothing. */
export function validate(source: Json, type: MachineType = 'STANDARD'): ValidationView {
  const { definition, diagnostics } = diagnose(source, type);
  const failed = definition === undefined || diagnostics.some(({ severity }) => severity === 'ERROR');
  return {
    result: failed ? 'FAIL' : 'OK',
    diagnostics: diagnostics.map(({ severity, code, pointer, message }) => ({
      severity,
      code,
      pointer,
      message,
    })),
  };
}

function diagnose(
  source: Json,
  type: MachineType,
): { definition?: JsonObject; diagnostics: readonly Diagnostic[] } {
  const parsed = parseDefinition(source);
  if (!parsed.ok) return { diagnostics: parsed.diagnostics };
  return { definition: parsed.definition, diagnostics: validateDefinition(parsed.definition, { type }) };
}

/** @throws OperationError for a type that there is not. */
export function checkType(type: string): MachineType {
  if (type === 'STANDARD' || type === 'EXPRESS') return type;
  throw refusal(
    'VALIDATION_FAILED',
    '/type',
    `'${type}' is not a type of state machine; expected STANDARD or EXPRESS.`,
  );
}
