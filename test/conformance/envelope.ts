/** The answers in which AWS gives a whole execution: StartSyncExecution's and DescribeExecution's. */
import type { Json, JsonObject } from '../../src/std/json.js';

export interface Run {
  executionArn: string;
  stateMachineArn: string;
  name: string;
  input: Json;
  status: string;
  output: Json | undefined;
  error: string | undefined;
  cause: string | undefined;
}

/** Without what only AWS has: billing, redrives and where X-Ray looks. Points in time are masks. */
export function envelopeOf(run: Run): JsonObject {
  const { executionArn, stateMachineArn, name, input, status, output, error, cause } = run;
  const isIncluded = { included: true };
  return {
    executionArn,
    stateMachineArn,
    name,
    status,
    startDate: TIME,
    ...(status !== 'RUNNING' && { stopDate: TIME }),
    input,
    inputDetails: isIncluded,
    ...(output !== undefined && { output, outputDetails: isIncluded }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
  };
}

/** Any: a recording has a mask there. */
const TIME = 'a point in time';
