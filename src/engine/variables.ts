/**
 * Variables (https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html). Each frame has a
 * scope of its own: a branch or an iteration reads what is around it, and what it sets ends with it. Names
 * never hide each other, since validation refuses that.
 */
import { StatesError } from '../asl/index.js';
import { getField, type Json, type JsonObject, setField } from '../std/json.js';
import { type Draft, frameOf } from './draft.js';
import type { Frame } from './frame.js';
import { boundBytes, MAX_PAYLOAD_BYTES } from './payload.js';

/** What one Assign may set, names not counted, and what an execution may hold at once: AWS's limits, in bytes. */
const MAX_ASSIGN_BYTES = MAX_PAYLOAD_BYTES;
const MAX_VARIABLE_BYTES = 10 * 1024 * 1024;

const NONE: JsonObject = Object.freeze({});

/** Every variable that the frame's state can read. */
export function variablesFor(draft: Draft, frame: Frame): JsonObject {
  const own = frame.variables ?? NONE;
  const parent = frame.parent === null ? undefined : frameOf(draft, frame.parent);
  if (parent === undefined) return own;
  const around = variablesFor(draft, parent);
  if (own === NONE || around === NONE) return own === NONE ? around : own;
  return { ...around, ...own };
}

/** Sets variables in the frame's own scope. Throws States.DataLimitExceeded when they are too large. */
export function assign(draft: Draft, frame: Frame, assigned: JsonObject): void {
  let bytes = 0;
  let freed = 0;
  for (const [name, value] of Object.entries(assigned)) {
    bytes += bytesOf(value);
    const before = frame.variables === undefined ? undefined : getField(frame.variables, name);
    if (before !== undefined) freed += bytesOf(before);
  }
  const total = (draft.meta.variableBytes ?? 0) + bytes - freed;
  if (bytes > MAX_ASSIGN_BYTES || total > MAX_VARIABLE_BYTES) throw tooLarge(bytes > MAX_ASSIGN_BYTES);
  const variables = { ...frame.variables };
  for (const [name, value] of Object.entries(assigned)) setField(variables, name, value);
  frame.variables = variables;
  draft.meta.variableBytes = total;
  draft.bytes += 2 * bytes;
}

/** The frame is gone, and its variables with it. */
export function freeVariables(draft: Draft, frame: Frame): void {
  if (frame.variables === undefined || draft.meta.variableBytes === undefined) return;
  for (const value of Object.values(frame.variables)) draft.meta.variableBytes -= bytesOf(value);
}

/** How many bytes the variables of these frames take. */
export function variableBytesOf(frames: Iterable<Frame>): number {
  let bytes = 0;
  for (const { variables = NONE } of frames)
    for (const value of Object.values(variables)) bytes += bytesOf(value);
  return bytes;
}

function bytesOf(value: Json): number {
  if (boundBytes(value) === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  return Buffer.byteLength(JSON.stringify(value));
}

function tooLarge(one: boolean): StatesError {
  return new StatesError(
    'States.DataLimitExceeded',
    one
      ? `The variables of one Assign exceed the maximum of ${String(MAX_ASSIGN_BYTES)} bytes.`
      : `The variables of the execution exceed the maximum of ${String(MAX_VARIABLE_BYTES)} bytes.`,
  );
}
