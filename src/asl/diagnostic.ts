/** One complaint about a definition. */
export interface Diagnostic {
  /** An ERROR refuses the definition, a WARNING does not. */
  severity: 'ERROR' | 'WARNING';
  /** Upper snake case, AWS's where AWS has one; the list is DIAGNOSTIC_CODES. */
  code: DiagnosticCode;
  /** JSON Pointer; '' is the whole definition. */
  pointer: string;
  /** What was found and what was expected. */
  message: string;
}

/** Every code there is, and when it is given. */
export const DIAGNOSTIC_CODES = {
  INVALID_JSON_DESCRIPTION: 'The text is neither JSON nor YAML.',
  DUPLICATE_KEY: 'A key stands twice in one object.',
  DEFINITION_TOO_LARGE: 'The definition is longer than 1 MiB or nests too deep.',
  SCHEMA_VALIDATION_FAILED: 'A field is missing, unknown, of the wrong type or out of its range.',
  INVALID_JSON_PATH: 'A path is not a valid JSONPath, or not a Reference Path where one is needed.',
  INVALID_JSONATA_EXPRESSION: 'The text between {% and %} is no JSONata expression.',
  UNSUPPORTED_JSONATA_EXPRESSION: 'An expression reads what is not there for it.',
  MISSING_TRANSITION_TARGET:
    'A StartAt, Next or Default names no state of its group, or no transition leads to a state.',
  MISSING_END_STATE: 'A group of states has no state that ends it.',
  DUPLICATE_STATE_NAME: 'A state name is used twice in the state machine.',
  INVALID_STATE_NAME: 'A state name is empty or too long.',
  DUPLICATE_LABEL_NAME: 'A Label is used twice in the state machine.',
  INVALID_LABEL_NAME: 'A Label is too long, or has characters that a label may not have.',
  UNKNOWN_ERROR_NAME: 'ErrorEquals names a reserved error that does not exist.',
  NOT_SUPPORTED_YET: 'The definition is valid for AWS, but uses a feature that is not built yet.',
} as const;

export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES;
