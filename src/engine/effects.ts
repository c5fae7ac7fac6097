import type { Json } from '../std/json.js';
import type { EndStatus } from './ports.js';

/** What a step wants done in the world, once the checkpoint that says so is committed. */
export type Effect =
  | InvokeEffect
  /** Abort what the frame's task is doing: its branch was cancelled or its time is up. */
  | { kind: 'cancel'; frameId: number; key: string }
  /** The execution has ended; its history is complete. */
  | { kind: 'end'; status: EndStatus; output?: Json; error?: string; cause?: string };

/** Call the task of a frame, under an idempotency key that is the same however often the call is repeated. */
export interface InvokeEffect {
  kind: 'invoke';
  frameId: number;
  /** Idempotency key: execution id, the event id at which the task was scheduled. */
  key: string;
  /** The handler's name, as found in Resource or FunctionName. */
  functionName: string;
  stateName: string;
  input: Json;
  /** 0 for the first attempt. */
  attempt: number;
  /** When the attempt times out, ms since the epoch; undefined: never. */
  timeoutAtMs: number | undefined;
}
