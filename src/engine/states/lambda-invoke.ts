import { functionNameOf, StatesError } from '../../asl/index.js';
import { isObject, type Json } from '../../std/json.js';
import type { TaskPhase } from '../frame.js';
import type { Failure } from '../outcome.js';

interface Call {
  functionName: string;
  /** Absent: what was given is not JSON. */
  payload?: Json;
  tail: boolean;
}

/**
 * What the optimized Lambda integration calls, from the state's parameters
 * (https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html). A Payload that is a string
 * is JSON text; none, or null, is `{}`.
 * @throws StatesError States.Runtime when the parameters name no function, or ask not to wait for it.
 */
export function callOf(parameters: Json): Call {
  const given = isObject(parameters) ? parameters : {};
  const functionName = given['FunctionName'];
  if (typeof functionName !== 'string' || functionName === '') {
    throw new StatesError(
      'States.Runtime',
      'The field "FunctionName" is required but was missing or not a string',
    );
  }
  // Validation has refused it where it was written; an expression may still have made it.
  const invocation = given['InvocationType'] ?? 'RequestResponse';
  if (invocation !== 'RequestResponse') {
    throw new StatesError(
      'States.Runtime',
      `Not supported yet: the InvocationType ${JSON.stringify(invocation)} of lambda:invoke.`,
    );
  }
  const call: Call = { functionName: nameIn(functionName), tail: given['LogType'] === 'Tail' };
  const payload = given['Payload'] ?? {};
  const value = typeof payload === 'string' ? parsePayload(payload) : payload;
  if (value !== undefined) call.payload = value;
  return call;
}

/** What the service answers to a payload that it cannot read. */
export const UNREADABLE_PAYLOAD: Failure = {
  error: 'Lambda.InvalidRequestContentException',
  cause: 'Could not parse request body into json',
};

/** The result of a call, as the integration returns it. The request's id is all that we know of the transport. */
export function resultEnvelope(output: Json, phase: TaskPhase, requestId: string): Json {
  const headers = {
    'X-Amz-Executed-Version': '$LATEST',
    'x-amzn-RequestId': requestId,
    'Content-Type': 'application/json',
  };
  const allHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return {
    ExecutedVersion: '$LATEST',
    ...(phase.tail === true && { LogResult: logTail(requestId) }),
    Payload: output,
    SdkHttpMetadata: { AllHttpHeaders: allHeaders, HttpHeaders: headers, HttpStatusCode: 200 },
    SdkResponseMetadata: { RequestId: requestId },
    StatusCode: 200,
  };
}

/** The function's name in an ARN, a partial ARN (`…:function:NAME`) or `NAME:QUALIFIER`. */
function nameIn(text: string): string {
  return functionNameOf(text) ?? /(?:^|:)function:([^:]+)/.exec(text)?.[1] ?? text.replace(/:[^:]*$/, '');
}

function parsePayload(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The lines that the platform writes around a call; what handlers log goes to the worker's own log. */
function logTail(requestId: string): string {
  return Buffer.from(
    `START RequestId: ${requestId} Version: $LATEST\nEND RequestId: ${requestId}\n`,
  ).toString('base64');
}
