import { type Static, Type } from 'typebox';
import { instant, nullable, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

const count = (description: string) => Type.Integer({ description });

export const QueueStatsBody = Type.Object(
  {
    queues: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'Its name.', examples: ['critical'] }),
          weight: Type.Integer({ description: 'Its share of the slots when every queue has work waiting.' }),
          stateMachineId: nullable(Type.String(), { description: 'The machine that it was made for.' }),
          waiting: count('Executions that could be advanced now and are not.'),
          active: count('Executions that a worker is advancing.'),
          delayed: count('Executions that wait for a time: timers, retries, starts at a time.'),
          completed: count('Executions that ended well.'),
          failed: count('Executions that ended otherwise.'),
          oldestAgeSeconds: nullable(Type.Number(), {
            description: 'How long the oldest of the waiting has waited, in seconds.',
          }),
        },
        { title: 'Queue' },
      ),
      { description: 'All queues, by name.' },
    ),
    workers: Type.Array(
      Type.Object(
        {
          workerId: Type.String({ description: 'Made when the process said hello.' }),
          host: Type.String({ description: 'The name of the machine that it runs on.' }),
          pid: Type.Integer({ description: 'The id of its process there.' }),
          queues: Type.Array(Type.String(), { description: 'The queues that it takes from.' }),
          concurrency: count('How many executions it advances at once at most.'),
          running: count('How many it is advancing.'),
          startedAt: instant('When the process said hello.'),
          heartbeatAt: instant('When it was last heard of.'),
        },
        { title: 'Worker' },
      ),
      { description: 'The workers that are alive.' },
    ),
  },
  { title: 'QueueStats' },
);

export const QueueParams = Type.Object({
  name: Type.String({ description: 'The queue.', examples: ['critical'] }),
});
export const DeadLetterParams = Type.Object({
  name: Type.String({ description: 'The queue.', examples: ['critical'] }),
  id: Type.String({ description: 'The dead letter.', examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'] }),
});

export const DeadLetterQuery = strict({ ...PageQuery });

export const DeadLetterBody = Type.Object(
  {
    id: Type.String({ description: 'The dead letter.' }),
    queue: Type.String({ description: 'The queue that it was given up in.' }),
    executionId: Type.String({ description: 'The execution that could not be advanced.' }),
    error: Type.String({ description: 'What kept it from being advanced, the last time.' }),
    attempts: count('How often it was tried.'),
    failedAt: instant('When it was given up.'),
  },
  { title: 'DeadLetter' },
);
export type DeadLetterBody = Static<typeof DeadLetterBody>;

export const DeadLetterPage = pageOf(DeadLetterBody, 'DeadLetterPage');
