import type { Json, JsonObject } from '../std/json.js';

/** How one child execution of a Map Run ended, or that it never started (PENDING). */
export interface ChildResult {
  executionArn: string;
  name: string;
  stateMachineArn: string;
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING';
  /** JSON text. */
  input: string;
  /** JSON text; only of what succeeded. */
  output?: string;
  error?: string;
  cause?: string;
  startTimeMs: number;
  stopTimeMs: number | undefined;
}

/** The WriterConfig as a definition has it: Transformation and OutputType. */
export type WriterConfig = JsonObject;

export type Transformation = 'NONE' | 'COMPACT' | 'FLATTEN';

/**
 * What a result is in the output of the state or in a file, as JSON texts of one line each: with NONE the record
 * of the execution; with COMPACT its output; with FLATTEN its output, or if that is a list, its items. What did
 * not succeed is always the record ("Step Functions returns its execution result unchanged", ResultWriter).
 */
export function resultTexts(result: ChildResult, transformation: Transformation): string[] {
  if (transformation === 'NONE' || result.status !== 'SUCCEEDED')
    return [JSON.stringify(executionRecord(result))];
  const output = result.output ?? 'null';
  if (transformation === 'FLATTEN') {
    const value = JSON.parse(output) as Json;
    return Array.isArray(value) ? value.map((item) => JSON.stringify(item)) : [JSON.stringify(value)];
  }
  // The text itself keeps what a parse would lose, such as the digits of a large number.
  return [output.includes('\n') ? JSON.stringify(JSON.parse(output)) : output];
}

/** The fields of DescribeExecution, in the order of their names. What never started has no execution yet. */
function executionRecord(result: ChildResult): JsonObject {
  const record: JsonObject = {};
  if (result.cause !== undefined) record['Cause'] = result.cause;
  if (result.error !== undefined) record['Error'] = result.error;
  if (result.status === 'PENDING') {
    return { ...record, Input: result.input, InputDetails: { Included: true }, Status: 'PENDING' };
  }
  record['ExecutionArn'] = result.executionArn;
  record['Input'] = result.input;
  record['InputDetails'] = { Included: true };
  record['Name'] = result.name;
  if (result.output !== undefined) {
    record['Output'] = result.output;
    record['OutputDetails'] = { Included: true };
  }
  // A child is not redriven by itself, and a redriven Map has a map run of its own, of new children.
  record['RedriveCount'] = 0;
  if (result.status === 'SUCCEEDED') {
    record['RedriveStatus'] = 'NOT_REDRIVABLE';
    record['RedriveStatusReason'] = 'Execution is SUCCEEDED and cannot be redriven';
  } else {
    record['RedriveStatus'] = 'REDRIVABLE_BY_MAP_RUN';
  }
  record['StartDate'] = new Date(result.startTimeMs).toISOString();
  record['StateMachineArn'] = result.stateMachineArn;
  record['Status'] = result.status;
  if (result.stopTimeMs !== undefined) record['StopDate'] = new Date(result.stopTimeMs).toISOString();
  return record;
}
