import type { Completion } from '../asl/index.js';
import type { Json, JsonObject } from '../std/json.js';

/** What entering a state, or going on in it, has come to. The states decide; `transition` carries it out. */
export type Outcome =
  /** The frame waits: for the world, for a time, for its children. */
  | { kind: 'waits' }
  /** The state is left with this output. */
  | Exit
  /** The state has failed. `uncatchable`: its Retry and Catch have had their turn. */
  | { kind: 'fails'; failure: Failure; uncatchable?: boolean };

/** `caught`: through a Catcher. */
export interface Exit {
  kind: 'exits';
  output: Json;
  /** The variables that leaving sets. */
  assigned: JsonObject | undefined;
  next: string | undefined;
  caught?: boolean;
}

/** An error of the workflow's, on its way through Retry and Catch. Fail may name neither. */
export interface Failure {
  error?: string;
  cause?: string;
}

export const waits: Outcome = { kind: 'waits' };

export function exits({ output, assigned }: Completion, next: string | undefined): Exit {
  return { kind: 'exits', output, assigned, next };
}
