/** Loaded before a process: whatever it puts into a queue is put there twice, the second time as a job of its own. */
import { Queue } from 'bullmq';

const { addBulk } = Queue.prototype;

Queue.prototype.addBulk = async function addBulkTwice(jobs) {
  const added = await addBulk.call(this, jobs);
  const again = jobs.map(({ opts, ...job }) => ({ ...job, opts: { ...opts, jobId: undefined } }));
  await addBulk.call(this, again);
  return added;
};
