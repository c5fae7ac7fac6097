/** Runs one recorded case through parse, validate, compile and the engine, on a virtual clock. */
import { toAwsEvent } from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { play } from '../engine/driver.js';
import { activitiesOf } from './activities.js';
import { compare, type Got } from './compare.js';
import type { Case } from './corpus.js';
import { diagnose } from './diagnosis.js';
import { handlerFor } from './functions.js';
import { differenceUpTo, type Findings } from './levels.js';
import { compareDiagnostics, compareRefusal } from './refusals.js';

export type Outcome =
  | { kind: 'compared'; findings: Findings }
  /** What the case needs and we refuse by name. */
  | { kind: 'notSupported'; features: string[] };

/** Never throws: what breaks on the way is a difference. */
export async function runCase(one: Case): Promise<Outcome> {
  try {
    return one.kind === 'create-error' || one.kind === 'validate-definition'
      ? judge(one)
      : await execute(one);
  } catch (error) {
    const difference = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'compared', findings: new Map([['output', difference]]) };
  }
}

function judge(one: Case): Outcome {
  const code = one.expected.apiError?.code;
  if (one.kind === 'create-error' && code !== 'InvalidDefinition') {
    // The definition is sound; what was refused is in a part of the request that such a case does not hold.
    return { kind: 'notSupported', features: [`refusals of CreateStateMachine with ${String(code)}`] };
  }
  const diagnosis = diagnose(one);
  const findings =
    one.kind === 'create-error' ? compareRefusal(one, diagnosis) : compareDiagnostics(one, diagnosis);
  // AWS's complaint may stand beside ours, that something is not built yet: then the case has its answer.
  return differenceUpTo('events', findings) !== undefined && diagnosis.notSupported.length > 0
    ? { kind: 'notSupported', features: diagnosis.notSupported }
    : { kind: 'compared', findings };
}

async function execute(one: Case): Promise<Outcome> {
  const { definition, errors, notSupported } = diagnose(one);
  if (notSupported.length > 0) return { kind: 'notSupported', features: notSupported };
  if (definition === undefined || errors.length > 0) {
    const complaints = errors.map(({ code, message, pointer }) => `${code}: ${message} at ${pointer || '/'}`);
    throw new Error(`it was refused: ${complaints.join('; ')}`);
  }
  return { kind: 'compared', findings: compare(one, await getAnswer(one, definition)) };
}

async function getAnswer(one: Case, definition: JsonObject): Promise<Got> {
  const executionName = one.startParams?.name ?? 'execution';
  const executionId =
    one.kind === 'execution'
      ? `arn:aws:states:us-east-1:000000000000:execution:machine:${executionName}`
      : `arn:aws:states:us-east-1:000000000000:express:machine:${executionName}:run`;
  const { history, end } = await play({
    definition,
    input: one.inputText === undefined ? (one.input ?? {}) : (JSON.parse(one.inputText) as Json),
    handlers: Object.fromEntries(
      Object.entries(one.lambdas ?? {}).map(([key, lambda]) => [key, handlerFor(lambda)]),
    ),
    machines: Object.fromEntries(
      Object.entries(one.stateMachines ?? {}).map(([name, machine]) => [name, machine.definition]),
    ),
    activities: activitiesOf(one, definition),
    about: {
      executionId,
      executionName,
      stateMachineId: 'arn:aws:states:us-east-1:000000000000:stateMachine:machine',
      stateMachineName: 'machine',
      roleArn: 'snf_role_arn',
    },
  });
  const events = history.map((event) => {
    const { timestamp: _, ...shown } = toAwsEvent(event);
    return shown satisfies JsonObject;
  });
  return {
    executionId,
    status: end?.status ?? 'RUNNING',
    output: end?.output,
    error: end?.error,
    cause: end?.cause,
    events,
  };
}
