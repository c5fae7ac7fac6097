import type { Json } from '../std/json.js';

/** What entering a state, or going on in it, has come to. The states decide; `transition` carries it out. */
export type Outcome =
  /** The frame waits: for the world, for a time, for its children. */
  | { kind: 'waits' }
  /** The state is left with this output. */
  | Exit
  /** The state has failed. */
  | { kind: 'fails'; failure: Failure };

/** `previous`: what the Exited event points to, where that is not the frame's last event. */
export interface Exit {
  kind: 'exits';
  output: Json;
  next: string | undefined;
  previous?: number;
}

/** An error of the workflow's, on its way through Retry and Catch. Fail may name neither. */
export interface Failure {
  error?: string;
  cause?: string;
}

export const waits: Outcome = { kind: 'waits' };
