/** A case through parse, validate, compile and every step, on a virtual clock. */
import { createArns, toAwsEvent } from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { play } from '../engine/driver.js';
import { activitiesOf } from './activities.js';
import type { Got } from './compare.js';
import { type Case, CaseError, isExpress } from './corpus.js';
import { diagnose } from './diagnosis.js';
import { handlerFor } from './functions.js';
import { refusedBy, type Through } from './through.js';

/** No waiting and no database: as fast as the language. */
export const inMemory: Through = {
  order: 'exact',
  judge: async (one) => diagnose(one),
  execute: async (one) => {
    const diagnosis = diagnose(one);
    const { definition, errors } = diagnosis;
    if (definition === undefined || errors.length > 0) return refusedBy(diagnosis);
    return { kind: 'ran', got: await getAnswer(one, definition) };
  },
};

const ARNS = createArns({ region: 'us-east-1', accountId: '000000000000' });

async function getAnswer(one: Case, definition: JsonObject): Promise<Got & { elapsedMs: number }> {
  const name = one.startParams?.name ?? 'execution';
  const executionArn = isExpress(one)
    ? ARNS.express('machine', name, 'run')
    : ARNS.execution('machine', name);
  const stateMachineArn = ARNS.stateMachine('machine');
  const input = inputOf(one);
  const { history, end, elapsedMs } = await play({
    definition,
    input,
    handlers: Object.fromEntries(
      Object.entries(one.lambdas ?? {}).map(([key, lambda]) => [key, handlerFor(lambda)]),
    ),
    machines: Object.fromEntries(
      Object.entries(one.stateMachines ?? {}).map(([key, machine]) => [key, machine.definition]),
    ),
    activities: activitiesOf(one),
    about: {
      executionId: executionArn,
      isExpress: isExpress(one),
      executionName: name,
      stateMachineId: stateMachineArn,
      stateMachineName: 'machine',
      roleArn: 'snf_role_arn',
    },
  });
  const events = history.map((event) => {
    const { timestamp: _, ...shown } = toAwsEvent(event);
    return shown satisfies JsonObject;
  });
  return {
    executionArn,
    stateMachineArn,
    name,
    input,
    status: end?.status ?? 'RUNNING',
    output: end?.output,
    error: end?.error,
    cause: end?.cause,
    events,
    elapsedMs,
  };
}

/** @throws CaseError when its text is not JSON. */
function inputOf({ inputOmitted, inputText, input = {} }: Case): Json {
  if (inputOmitted) return {};
  if (inputText === undefined) return input;
  try {
    return JSON.parse(inputText) as Json;
  } catch {
    throw new CaseError('the inputText of the case is not JSON');
  }
}
