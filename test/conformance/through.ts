/** What a case is run through: the language and the engine in memory, or a service. */
import type { Diagnostic } from '../../src/asl/index.js';
import type { Got } from './compare.js';
import type { Case } from './corpus.js';
import type { EventOrder } from './event-order.js';

export interface Through {
  /** Whether branches side by side answer in an order of their own. */
  order: EventOrder;
  /** What is said of the definition of a case that is about no more than that. */
  judge(one: Case): Promise<Judgement>;
  execute(one: Case): Promise<Ran | Refused>;
}

/** What a run in real time does not leave out. */
export const QUICK_MS = 3000;

export type Complaint = Pick<Diagnostic, 'severity' | 'code' | 'pointer' | 'message'>;

export interface Judgement {
  diagnostics: readonly Complaint[];
  /** Those that refuse it. */
  errors: readonly Complaint[];
}

export interface Ran {
  kind: 'ran';
  /** `elapsedMs`: how long it took by its own clock. */
  got: Got & { elapsedMs: number };
}

export interface Refused {
  kind: 'refused';
  errors: readonly Complaint[];
}

export function refusedBy({ errors }: Judgement): Refused {
  return { kind: 'refused', errors };
}

/** By name, each once, what keeps a definition from running and nothing else does; empty otherwise. */
export function notSupportedIn(errors: readonly Complaint[]): string[] {
  return errors.every(({ code }) => code === 'NOT_SUPPORTED_YET') ? [...new Set(errors.map(featureOf))] : [];
}

/** "Not supported yet: FEATURE, found the resource …." */
function featureOf({ message }: Complaint): string {
  return message.replace(/^Not supported yet: /, '').replace(/(, found .*)?\.$/s, '');
}
