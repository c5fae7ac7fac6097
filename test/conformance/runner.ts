/** Runs one recorded case through parse, validate, compile and the engine, on a virtual clock. */
import { currentState, toAwsEvent } from '../../src/engine/index.js';
import type { Json, JsonObject } from '../../src/std/json.js';
import { type Handler, play } from '../engine/driver.js';
import { difference, type Got } from './compare.js';
import type { Case, Lambda } from './corpus.js';
import { refusalDifference } from './refusals.js';

/** What differs from the recording, in words; undefined when nothing does. */
export async function runCase(one: Case): Promise<string | undefined> {
  try {
    if (one.kind !== 'execution') return refusalDifference(one);
    return difference(one, await getAnswer(one));
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

async function getAnswer(one: Case): Promise<Got> {
  const name = one.startParams?.name ?? 'execution';
  const { run, history, end } = await play({
    definition: one.definition ?? one.definitionText ?? null,
    input: one.inputText === undefined ? (one.input ?? {}) : (JSON.parse(one.inputText) as Json),
    handlers: Object.fromEntries(
      Object.entries(one.lambdas).map(([key, lambda]) => [key, handlerFor(lambda)]),
    ),
    about: {
      executionId: `arn:aws:states:us-east-1:000000000000:execution:machine:${name}`,
      executionName: name,
      stateMachineId: 'arn:aws:states:us-east-1:000000000000:stateMachine:machine',
      stateMachineName: 'machine',
      roleArn: 'snf_role_arn',
    },
  });
  if (end === undefined) throw new Error(`it stopped in ${String(currentState(run))}`);
  const events = history.map((event) => {
    const { timestamp: _, ...shown } = toAwsEvent(event);
    return shown satisfies JsonObject;
  });
  return { status: end.status, output: end.output, error: end.error, cause: end.cause, events };
}

/** The behaviours that the corpus gives to functions. */
function handlerFor({ source, params }: Lambda): Handler {
  switch (source) {
    case 'identity':
      return (input) => ({ output: input });
    case 'constant':
      return () => ({ output: params?.['value'] ?? null });
    case 'throw':
      return () => {
        const [errorType, errorMessage] = [String(params?.['errorType']), String(params?.['errorMessage'])];
        const cause = JSON.stringify({ errorMessage, errorType, requestId: '0', stackTrace: [] });
        return { error: errorType, cause };
      };
    case 'sleep-then-identity':
      return (input) => ({ output: input, afterMs: Number(params?.['seconds']) * 1000 });
    case 'repeat':
      return () => ({ output: String(params?.['text']).repeat(Number(params?.['times'])) });
    default:
      throw new Error(`no function behaves like '${source}'`);
  }
}
