/** What a case says that an activity worker does, in real time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../../src/std/json.js';
import { nameOf, stepsOf } from '../activities.js';
import type { CaseWorker } from '../corpus.js';
import { bodyOf, type Client } from './client.js';

/** Takes one task of the activity and does its steps; gives up when nobody waits for it any more. */
export async function work(
  client: Client,
  activityName: string,
  worker: CaseWorker,
  signal: AbortSignal,
): Promise<void> {
  const { name } = nameOf(worker);
  const query = new URLSearchParams({ wait: '20', ...(name !== undefined && { workerName: name }) });
  const task = await poll(client, `/activities/${activityName}/task?${query.toString()}`, signal);
  if (task === undefined) return;
  const { token, input } = task;
  for (const step of stepsOf(worker, input)) {
    if (step.do === 'wait') await sleep(step.ms, undefined, { signal });
    else if (step.do === 'heartbeat') await send('heartbeat');
    else if (step.do === 'succeed') await send('success', { output: step.output });
    else {
      const { do: _, ...why } = step;
      await send('failure', why);
    }
  }

  async function send(what: string, body: object = {}): Promise<void> {
    const { status } = await client.post(`/task-tokens/${token}/${what}`, JSON.stringify(body));
    // A task that is over by then is what some cases are about; anything else is a mistake.
    if (status >= 300 && status !== 409 && status !== 404)
      throw new Error(`${what} was answered ${String(status)}`);
  }
}

async function poll(
  client: Client,
  path: string,
  signal: AbortSignal,
): Promise<{ token: string; input: Json } | undefined> {
  while (!signal.aborted) {
    const answer = await client.get(path, signal);
    if (answer.status === 204) continue;
    const { taskToken, input = null } = bodyOf(answer);
    return { token: String(taskToken), input };
  }
  return undefined;
}
