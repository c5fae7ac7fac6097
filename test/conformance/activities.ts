/** The activities that a case's definition names, and the workers that the case describes. */
import type { Json, JsonObject } from '../../src/std/json.js';
import type { ActivityWorker, WorkerStep } from '../engine/driver.js';
import type { Case, CaseStep } from './corpus.js';

/** Every activity of the definition is there, unless the case is about one that was deleted. */
export function activitiesOf(
  { id, workers = [] }: Case,
  definition: JsonObject,
): Record<string, ActivityWorker | 'nobody'> {
  if (/_on_deleted\b/.test(id)) return {};
  const arns = JSON.stringify(definition).match(/arn:[\w-]+:states:[^:"]*:[^:"]*:activity:[^"]+/g) ?? [];
  const [worker] = workers;
  const found: ActivityWorker | 'nobody' =
    worker === undefined
      ? 'nobody'
      : {
          ...(worker.workerName !== null && { name: worker.workerName }),
          steps: (input) => worker.steps.flatMap((step) => stepOf(step, input)),
        };
  return Object.fromEntries(arns.map((arn) => [arn, found]));
}

/** @throws Error for a step that the corpus's README does not tell of. */
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
      throw new Error(`no activity worker does '${step.do}'`);
  }
}

function outputOf(output: string | undefined, input: Json): Json {
  if (output === undefined || output === "the task's input text, unchanged") return input;
  return JSON.parse(output) as Json;
}
