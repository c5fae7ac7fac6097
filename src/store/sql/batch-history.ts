/**
 * The whole journal of an execution that ended without ever being advanced, as SQL text expressions.
 * The texts are put together and not built with jsonb, so that the input stays as it was given.
 */

/** How it ended: the event, and where that points to (what comes from outside points to nothing). */
const ENDS = {
  FAILED: { type: 'ExecutionFailed', previousEventId: 1 },
  ABORTED: { type: 'ExecutionAborted', previousEventId: 0 },
} as const;

/** ExecutionStarted and the event that ended it. All but the status are SQL expressions on the execution's row. */
export function eventsOfUnstarted(about: {
  status: keyof typeof ENDS;
  input: string;
  startTime: string;
  endTime: string;
  error: string;
  cause: string;
}): string {
  const { type, previousEventId } = ENDS[about.status];
  return `'[{"id":1,"previousEventId":0,"type":"ExecutionStarted","timestamp":' || ${millis(about.startTime)}
    || ',"details":{"input":' || ${about.input} || '}},'
    || '{"id":2,"previousEventId":${previousEventId},"type":"${type}","timestamp":' || ${millis(about.endTime)}
    || ',"details":{"error":' || to_json(${about.error}::text) || ',"cause":' || to_json(${about.cause}::text) || '}}]'`;
}

/** No frame was ever made; the next event would have the id 3. */
export function framesOfUnstarted(status: keyof typeof ENDS): string {
  return `'{"meta":{"nextEventId":3,"nextFrameId":0,"inboxSeq":0,"ended":"${status}"},"changed":[],"dropped":[]}'`;
}

function millis(instant: string): string {
  return `floor(extract(epoch FROM ${instant}) * 1000)::bigint`;
}
