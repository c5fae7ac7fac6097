/** A process that takes jobs and does nothing with them. */
import { once } from 'node:events';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { say, settingOf } from './process.js';

const jobs = Number(settingOf('JOBS'));
const connection = new Redis(settingOf('REDIS_URL'), { maxRetriesPerRequest: null });
const worker = new Worker(settingOf('QUEUE'), async () => undefined, {
  connection,
  concurrency: 100,
  autorun: false,
});
await worker.waitUntilReady();
let done = 0;
worker.on('completed', () => {
  if (++done === jobs) say('done');
});
say('ready');
await once(process.stdin, 'data');
void worker.run();
