import type { StateType } from '../asl/index.js';
import type { JsonObject } from '../std/json.js';

/**
 * One entry of an execution's history, as the journal keeps it. `history.ts` gives it AWS's shape when it
 * is read: values become JSON text, `details` goes under the name that AWS has for it, and what follows
 * from the rest (`inputDetails`, `outputDetails`) is added. So the journal holds nothing twice
 * (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html).
 */
export interface HistoryEvent {
  /** From 1, without a gap. */
  id: number;
  /** The event that led to this one; 0 for the first, and for what comes from outside the flow. */
  previousEventId: number;
  type: EventType;
  /** Milliseconds since the epoch. */
  timestamp: number;
  /** What AWS has under `…EventDetails`; absent where AWS has none. */
  details?: JsonObject;
  /** The error with which a state failed here, where AWS's details do not tell it; for the state's record. */
  failure?: JsonObject;
  /** Of ExecutionRedriven: the entries of the states that are taken up again; for their records. */
  resumed?: number[];
}

export type EventType =
  | 'ExecutionStarted'
  | 'ExecutionSucceeded'
  | 'ExecutionFailed'
  | 'ExecutionAborted'
  | 'ExecutionTimedOut'
  | 'ExecutionRedriven'
  | `${StateType}StateEntered`
  | `${Exclude<StateType, 'Fail'>}StateExited`
  | `${CuttableType}StateAborted`
  | 'LambdaFunctionScheduled'
  | 'LambdaFunctionStarted'
  | 'LambdaFunctionSucceeded'
  | 'LambdaFunctionFailed'
  | 'LambdaFunctionTimedOut'
  | 'TaskScheduled'
  | 'TaskStarted'
  | 'TaskSucceeded'
  | 'TaskFailed'
  | 'TaskSubmitted'
  | 'TaskTimedOut'
  | 'ActivityScheduled'
  | 'ActivityStarted'
  | 'ActivitySucceeded'
  | 'ActivityFailed'
  | 'ActivityTimedOut'
  | 'MessageAwaited'
  | 'MessageReceived'
  | 'MessageTimedOut'
  | 'EvaluationFailed'
  | 'ParallelStateStarted'
  | 'ParallelStateSucceeded'
  | 'ParallelStateFailed'
  | 'MapStateStarted'
  | 'MapStateSucceeded'
  | 'MapStateFailed'
  | 'MapRunStarted'
  | 'MapRunRedriven'
  | 'MapRunSucceeded'
  | 'MapRunFailed'
  | 'MapRunAborted'
  | 'MapIterationStarted'
  | 'MapIterationSucceeded'
  | 'MapIterationFailed'
  | 'MapIterationAborted';

/** The states that take time, so that a failure beside them can cut them. */
export type CuttableType = 'Task' | 'Wait' | 'Parallel' | 'Map' | 'Message';
