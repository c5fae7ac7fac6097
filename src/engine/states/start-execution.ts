/** `states:startExecution` (https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html): its results. */
import { isObject, type Json, type JsonObject } from '../../std/json.js';
import type { EndedExecution, TaskOutcome } from '../ports.js';

/** What starting answers. `requestId`: of the optimized integration, which tells of the transport, too. */
export function startedResult(started: Json, requestId: string | undefined): Json {
  const { executionArn = null, startTimeMs } = isObject(started) ? started : {};
  const startMs = Number(startTimeMs);
  if (requestId === undefined)
    return { ExecutionArn: executionArn, StartDate: new Date(startMs).toISOString() };
  const headers = { 'Content-Type': 'application/x-amz-json-1.0', 'x-amzn-RequestId': requestId };
  return {
    ExecutionArn: executionArn,
    SdkHttpMetadata: {
      AllHttpHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
      HttpHeaders: headers,
      HttpStatusCode: 200,
    },
    SdkResponseMetadata: { RequestId: requestId },
    StartDate: startMs,
  };
}

/** `.sync` tells the child's input and output as text, `.sync:2` as values. A child that did not succeed fails the task. */
export function endOfChildIn(child: EndedExecution, form: 'text' | 'value'): TaskOutcome {
  const read = (text: string): Json => (form === 'text' ? text : (JSON.parse(text) as Json));
  const ok = child.status === 'SUCCEEDED';
  const description: JsonObject = {
    ...(child.cause !== undefined && { Cause: child.cause }),
    ...(child.error !== undefined && { Error: child.error }),
    ExecutionArn: child.executionArn,
    Input: ok ? read(child.input) : child.input,
    InputDetails: { Included: true },
    Name: child.name,
    ...(child.output !== undefined && {
      Output: read(child.output),
      OutputDetails: { Included: true },
    }),
    StartDate: child.startTimeMs,
    StateMachineArn: child.stateMachineArn,
    Status: child.status,
    StopDate: child.stopTimeMs,
  };
  return ok
    ? { ok: true, output: description }
    : { ok: false, error: 'States.TaskFailed', cause: JSON.stringify(description) };
}
