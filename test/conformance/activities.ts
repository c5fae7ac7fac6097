/** The activities that a case's definition names, and the workers that the case describes. */
import type { Json } from '../../src/std/json.js';
import type { ActivityWorker, WorkerStep } from '../engine/driver.js';
import { type Case, CaseError, type CaseStep, type CaseWorker } from './corpus.js';

/** Every activity of the case is there, unless it is about one that was deleted. */
export function activitiesOf(one: Case): Record<string, ActivityWorker | 'nobody'> {
  const [worker] = one.workers ?? [];
  const found: ActivityWorker | 'nobody' =
    worker === undefined ? 'nobody' : { ...nameOf(worker), steps: (input) => stepsOf(worker, input) };
  return Object.fromEntries(activityArnsIn(one).map((arn) => [arn, found]));
}

/** The ARNs of activities that are in the definition or the input, and exist. */
export function activityArnsIn({ id, definition, definitionText, input, inputText }: Case): string[] {
  if (/_on_deleted\b/.test(id)) return [];
  const text = JSON.stringify([definition ?? definitionText, input ?? inputText]);
  return [...new Set(text.match(/arn:[\w-]+:states:[^:"]*:[^:"]*:activity:[^"\\]+/g) ?? [])];
}

/** What it sends as its own name, if anything. */
export function nameOf({ workerName }: CaseWorker): { name?: string } {
  return typeof workerName === 'string' ? { name: workerName } : {};
}

/** What a worker does with a task that was handed to it. */
export function stepsOf({ steps }: CaseWorker, input: Json): WorkerStep[] {
  return steps.flatMap((step) => stepOf(step, input));
}

/** @throws CaseError for a step that the corpus's README does not tell of. */
function stepOf(step: CaseStep, input: Json): WorkerStep[] {
  const { error, cause } = step;
  switch (step.do) {
    case 'getActivityTask until a task is handed out':
      return [];
    case 'wait':
      return [{ do: 'wait', ms: (step.seconds ?? 0) * 1000 }];
    case 'sendTaskHeartbeat':
      return [{ do: 'heartbeat' }];
    case 'sendTaskSuccess':
      return [{ do: 'succeed', output: outputOf(step.output, input) }];
    case 'sendTaskFailure':
      return [{ do: 'fail', ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) }];
    default:
      throw new CaseError(`no activity worker does '${step.do}'`);
  }
}

function outputOf(output: string | undefined, input: Json): Json {
  if (output === undefined || output === "the task's input text, unchanged") return input;
  return JSON.parse(output) as Json;
}
