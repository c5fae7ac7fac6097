import type { Json, JsonObject } from '../std/json.js';

/** What a context object tells (https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html). */
export interface ContextFacts {
  execution: {
    id: string;
    name: string;
    input: Json;
    startTimeMs: number;
    roleArn?: string;
    redriveCount?: number;
  };
  stateMachine: { id: string; name: string };
  state: {
    name: string;
    enteredTimeMs: number;
    /** Retries so far; absent for states that cannot retry. */
    retryCount?: number;
  };
  /** The item of an inline Map's iteration. */
  mapItem?: { index: number; value: Json };
}

/** The context object `$$`, in AWS's shape. */
export function contextObject(facts: ContextFacts): JsonObject {
  const { execution, stateMachine, state, mapItem } = facts;
  return {
    Execution: {
      Id: execution.id,
      Input: execution.input,
      Name: execution.name,
      ...(execution.roleArn === undefined ? {} : { RoleArn: execution.roleArn }),
      StartTime: timeText(execution.startTimeMs),
      ...(execution.redriveCount === undefined ? {} : { RedriveCount: execution.redriveCount }),
    },
    ...(mapItem === undefined ? {} : { Map: { Item: { Index: mapItem.index, Value: mapItem.value } } }),
    StateMachine: { Id: stateMachine.id, Name: stateMachine.name },
    State: {
      Name: state.name,
      EnteredTime: timeText(state.enteredTimeMs),
      ...(state.retryCount === undefined ? {} : { RetryCount: state.retryCount }),
    },
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
