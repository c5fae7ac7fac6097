/** What happens in a run: the workflows, what comes from outside, and what goes wrong. Plain data, so that it can be cut down. */
import type { JsonObject } from '../../src/std/json.js';

export interface Scenario {
  seed: number;
  /** Results depend on nothing but the inputs: a run without faults has the same. */
  deterministic: boolean;
  workers: number;
  /** Slots of each worker. */
  concurrency: number;
  machines: Record<string, JsonObject>;
  roots: Root[];
  messages: Sending[];
  acts: Act[];
  faults: Fault[];
}

/** An execution that is started from outside. */
export interface Root {
  machine: string;
  name: string;
  v: number;
  atMs: number;
}

/** A message for an execution, sent once. */
export interface Sending {
  root: string;
  key: string;
  v: number;
  atMs: number;
}

/** What is asked of an execution from outside. */
export type Act =
  | { kind: 'pause'; root: string; atMs: number; forMs: number }
  | { kind: 'stop'; root: string; atMs: number }
  /** As soon as it has failed. */
  | { kind: 'redrive'; root: string };

/** `nth`: of the statements of that kind that all workers send. Times are from the beginning. */
export type Fault =
  /** The worker dies when it sends it, or when it has committed and the answer has not come. Another is started later. */
  | { kind: 'crash'; of: StatementKind; nth: number; when: 'before' | 'after'; backMs: number }
  | { kind: 'kill'; worker: number; atMs: number; backMs: number }
  /** Stopped for so long, while its statement is on its way, or goes on without it until the successor has read the tail. */
  | {
      kind: 'zombie';
      of: StatementKind;
      nth: number;
      frozenMs: number;
      commitMs: number;
      untilTailIsRead: boolean;
    }
  | { kind: 'freeze'; worker: number; atMs: number; frozenMs: number }
  | { kind: 'slow'; of: StatementKind; nth: number; commitMs: number; untilTailIsRead: boolean }
  | { kind: 'unsent' | 'unanswered' | 'refused'; of: StatementKind; nth: number }
  /** The connection breaks, and the statement commits afterwards. */
  | { kind: 'late'; of: StatementKind; nth: number; commitMs: number }
  | { kind: 'outage'; atMs: number; downMs: number }
  /** The worker's statements do not come through for so long; those that are under way do. */
  | { kind: 'cut'; worker: number; atMs: number; downMs: number }
  | { kind: 'redis'; atMs: number; downMs: number }
  | { kind: 'bell'; nth: number; fate: 'lost' | 'doubled' }
  | { kind: 'bell'; nth: number; fate: 'late'; lateMs: number }
  | { kind: 'deaf'; worker: number; atMs: number }
  | { kind: 'skew'; worker: number; ms: number }
  /** SIGTERM; another worker takes its place. */
  | { kind: 'term'; worker: number; atMs: number };

/** `FLUSH`, `CLAIM`, or any other statement than those and the heartbeat's. */
export type StatementKind = 'FLUSH' | 'CLAIM' | 'other';
