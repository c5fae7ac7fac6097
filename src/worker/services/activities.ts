import { activityNameIn, type Call, type TaskOutcome } from '../../engine/index.js';
import { hasActivity, offerTask as offer, type ReturnAddress } from '../../store/index.js';
import { refused, type ServiceDeps } from './service.js';

/** Whether there is such an activity. */
export async function findActivity({ database }: ServiceDeps, activityArn: string): Promise<TaskOutcome> {
  if (await hasActivity(database.pool, activityNameIn(activityArn))) return { ok: true, output: null };
  return refused('ActivityDoesNotExist', `Activity Does Not Exist: '${activityArn}'`);
}

/** Puts a task where the activity's workers poll. */
export async function offerTask(
  { database }: ServiceDeps,
  { activityArn, token, input }: Extract<Call, { kind: 'offerTask' }>,
  to: ReturnAddress,
): Promise<TaskOutcome> {
  await offer(database.pool, {
    token,
    activity: activityNameIn(activityArn),
    input: JSON.stringify(input),
    to,
  });
  return { ok: true, output: null };
}
