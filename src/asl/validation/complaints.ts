import type { Json } from '../../std/json.js';
import type { Diagnostic, DiagnosticCode } from '../diagnostic.js';

/** All complaints about one definition, in the order in which its parts are read. */
export class Complaints {
  readonly list: Diagnostic[] = [];

  add(code: DiagnosticCode, pointer: string, message: string): void {
    this.list.push({ severity: 'ERROR', code, pointer, message });
  }

  /** A field is missing, unknown, of the wrong type or out of its range. */
  schema(pointer: string, message: string): void {
    this.add('SCHEMA_VALIDATION_FAILED', pointer, message);
  }

  warn(code: DiagnosticCode, pointer: string, message: string): void {
    this.list.push({ severity: 'WARNING', code, pointer, message });
  }

  /** `feature` is a plural or a name: "variables (Assign)". */
  notSupported(pointer: string, feature: string): void {
    this.add('NOT_SUPPORTED_YET', pointer, `Not supported yet: ${feature}.`);
  }
}

/** A value as a complaint shows it: its type, and what it is when that is short. */
export function describe(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return `the ${typeof value} ${text.length > 80 ? `${text.slice(0, 77)}...` : text}`;
}
