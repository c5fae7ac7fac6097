import type { Json, JsonObject } from '../std/json.js';
import type { Effort } from './work.js';

/** What the language may use of the world, passed in so that it stays pure. */
export interface Entropy {
  /** A number in [0, 1). */
  random(): number;
  /** A version 4 UUID. */
  uuid(): string;
  /**
   * Lets the process do something else for a moment: timers, heartbeats, neighbours. Called after evaluations
   * that may have taken long; without it many of them in a row keep the process to themselves.
   */
  pause?(): Promise<void>;
}

/** What a state's paths, expressions and functions can see. */
export interface Scope extends Effort {
  /** The state's raw input. */
  input: Json;
  /** The context object, `$$`. */
  context: JsonObject;
  /** The variables that the state can read: its own scope's, and those of the scopes around it. */
  variables: JsonObject;
  /** What `$now()` and `$millis()` say, ms since the epoch. */
  nowMs: number;
  entropy: Entropy;
}
