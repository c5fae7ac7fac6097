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
    /** When it was redriven last; absent: never. */
    redriveTimeMs?: number;
  };
  stateMachine: { id: string; name: string };
  state: {
    name: string;
    enteredTimeMs: number;
    /** Retries so far; absent for states that cannot retry. */
    retryCount?: number;
  };
  /**
   * The item of a Map's iteration. Of a distributed Map also where it comes from, `STATE_DATA` or an object's URI, and
   * its key when the items are the fields of an object.
   */
  mapItem?: { index: number; value: Json; key?: string; source?: string };
  /** Of a task that waits for its token. */
  taskToken?: string;
}

/** The context object `$$`, in AWS's shape. */
export function contextObject(facts: ContextFacts): JsonObject {
  const { execution, stateMachine, state, mapItem, taskToken } = facts;
  return {
    Execution: {
      Id: execution.id,
      Input: execution.input,
      Name: execution.name,
      ...(execution.roleArn === undefined ? {} : { RoleArn: execution.roleArn }),
      StartTime: timeText(execution.startTimeMs),
      ...(execution.redriveCount === undefined ? {} : { RedriveCount: execution.redriveCount }),
      ...(execution.redriveTimeMs === undefined ? {} : { RedriveTime: timeText(execution.redriveTimeMs) }),
    },
    ...(mapItem === undefined ? {} : { Map: { Item: itemFacts(mapItem) } }),
    StateMachine: { Id: stateMachine.id, Name: stateMachine.name },
    State: {
      Name: state.name,
      EnteredTime: timeText(state.enteredTimeMs),
      ...(state.retryCount === undefined ? {} : { RetryCount: state.retryCount }),
    },
    ...(taskToken === undefined ? {} : { Task: { Token: taskToken } }),
  };
}

function itemFacts({ index, key, value, source }: NonNullable<ContextFacts['mapItem']>): JsonObject {
  return {
    Index: index,
    ...(key === undefined ? {} : { Key: key }),
    Value: value,
    ...(source === undefined ? {} : { Source: source }),
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
