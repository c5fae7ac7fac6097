import type { ArrayFormat, DistributedPlan, HttpMethod } from '../asl/index.js';
import type { Json, JsonObject } from '../std/json.js';
import type { EndStatus } from './ports.js';

/** What a step wants done in the world, once the checkpoint that says so is committed. */
export type Effect =
  | InvokeEffect
  /** Abort the call that the frame waits for: its branch was cut or its time is up. */
  | { kind: 'cancel'; frameId: number; key: string }
  | ReleaseEffect
  /** The execution has ended; its history is complete. */
  | { kind: 'end'; status: EndStatus; output?: Json; error?: string; cause?: string };

/**
 * Call what a frame needs of the world, under an idempotency key that is the same however often the call is
 * repeated: a worker may die between the call and the commit of what it answered.
 */
export interface InvokeEffect {
  kind: 'invoke';
  frameId: number;
  /** Idempotency key: execution id, the event id at which the task was scheduled. */
  key: string;
  call: Call;
  stateName: string;
  /** 0 for the first attempt. */
  attempt: number;
  /** When the attempt times out, ms since the epoch; undefined: never. */
  timeoutAtMs: number | undefined;
}

export type Call =
  | FunctionCall
  | StartExecutionCall
  | SendTaskResultCall
  | HttpRequestCall
  /** Whether there is such an activity. Answers null, or fails with ActivityDoesNotExist. */
  | { kind: 'findActivity'; activityArn: string }
  /** Hand the task to whoever polls the activity. Once for a token. Answers null. */
  | { kind: 'offerTask'; activityArn: string; token: string; input: Json }
  /** Register the frame as waiting for a message. Once for a key. Answers null. */
  | {
      kind: 'awaitMessage';
      correlationKey: string;
      /** Canonical JSON text, or the string itself. */
      correlationValue: string;
      timeoutAtMs?: number;
    }
  /** Make the items of a map run into child executions, and start them. Answers `{total}`. */
  | { kind: 'startMapRun'; request: MapRunRequest }
  /**
   * Take up again, under the frame's new key, those children of a map run that have ended without success or were never
   * started. Waits until the run is over, if it is still being stopped. Answers `{total}`; null: there is no such run any more.
   */
  | { kind: 'redriveMapRun'; run: BegunMapRun }
  /** Gather what a map run's children returned, or write it where ResultWriter says. Answers the Map's result. */
  | {
      kind: 'finishMapRun';
      mapRunId: string;
      mapRunArn: string;
      label: string;
      writer?: DistributedPlan['writer'];
    };

export interface FunctionCall {
  kind: 'function';
  /** The handler's name, as found in Resource or FunctionName. */
  functionName: string;
  input: Json;
  credentials?: Json;
  /** To be issued before the function is called: it ends the task, not the function's answer. */
  token?: string;
}

/** Start a child execution, once for a key. Answers `StartedExecution`. */
export interface StartExecutionCall {
  kind: 'startExecution';
  /** As it was given: an ARN or an id. */
  stateMachine: string;
  /** JSON text. */
  input: string;
  /** Absent: one is made from the key. */
  name?: string;
  /** Its end is told to this execution, and its life ends with this frame's wait. */
  sync: boolean;
  token?: string;
}

export interface StartedExecution {
  executionId: string;
  executionArn: string;
  startTimeMs: number;
}

/** What SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat do. Answers `{}`. */
export interface SendTaskResultCall {
  kind: 'sendTaskResult';
  result: 'success' | 'failure' | 'heartbeat';
  token: string;
  /** JSON text, of a success. */
  output?: string;
  error?: string;
  cause?: string;
}

/**
 * Send a request, with what the connection adds to it. Answers `{Headers, ResponseBody, StatusCode, StatusText}`, or
 * fails with the error that the workflow is to see. It may be sent again after a crash, as any call.
 */
export interface HttpRequestCall {
  kind: 'httpRequest';
  /** As it was given: an ARN or a name. */
  connection: string;
  /** Without the query parameters. */
  url: string;
  method: HttpMethod;
  headers: Record<string, string>;
  /** Names and values, in order; not encoded. */
  query: [name: string, value: string][];
  /** Absent: none. */
  body?: Json;
  /** Absent: JSON. */
  form?: ArrayFormat;
}

/** A map run as its parent wants it; all that can be evaluated is. */
export interface MapRunRequest {
  mapRunId: string;
  mapRunArn: string;
  /** Of the Map state, in the parent's machine. */
  label: string;
  /** 0: no limit of the definition's. */
  maxConcurrency: number;
  toleratedFailureCount?: number;
  toleratedFailurePercentage?: number;
  /** Absent: the plan's reader has them. */
  items?: Json[];
  plan: DistributedPlan;
  /** What ItemSelector sees besides the item. The effective input is left out where it is the input. */
  scope: { input: Json; effectiveInput?: Json; context: JsonObject; variables: JsonObject };
}

/** A map run that has begun, as a redrive of its parent takes it up. */
export interface BegunMapRun {
  mapRunId: string;
  mapRunArn: string;
  writer?: DistributedPlan['writer'];
  /** How often it has been redriven. */
  redriveCount: number;
}

/** Nobody waits any more for what is outside: void the token, stop the child, cancel the map run, forget the wait. */
export interface ReleaseEffect {
  kind: 'release';
  frameId: number;
  key: string;
  awaited: Awaited;
}

/** What a frame waits for without a call under way: it costs no slot. */
export type Awaited =
  /** A callback with the token. */
  | { kind: 'token'; token: string }
  /** An activity worker, to take the task; then, to answer. */
  | { kind: 'lease' | 'activity'; token: string }
  /** The end of the execution that this call started. */
  | { kind: 'child' }
  | { kind: 'message' }
  | { kind: 'mapRun'; mapRunId: string; mapRunArn: string; writer?: DistributedPlan['writer'] };
