import { type Static, Type } from 'typebox';
import { MAX_WAIT_SECONDS } from './executions.js';
import { anyJson, instant, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

const name = Type.String({
  minLength: 1,
  maxLength: 80,
  description: '1 to 80 characters, no spaces, brackets, wildcards or special characters.',
  examples: ['pick-goods'],
});

export const ActivityParams = Type.Object({
  name: Type.String({ description: 'The activity.', examples: ['pick-goods'] }),
});

export const CreateActivityBody = strict({ name }, { title: 'CreateActivity' });

export const ActivityBody = Type.Object(
  {
    name: Type.String({ description: 'Its name.', examples: ['pick-goods'] }),
    activityArn: Type.String({
      description: "What a Task state's Resource says.",
      examples: ['arn:aws:states:us-east-1:000000000000:activity:pick-goods'],
    }),
    createdAt: instant('When it was created.'),
    waiting: Type.Integer({ description: 'Tasks that no worker has taken.' }),
  },
  { title: 'Activity' },
);
export type ActivityBody = Static<typeof ActivityBody>;

export const ActivityQuery = strict({ ...PageQuery });
export const ActivityPage = pageOf(ActivityBody, 'ActivityPage');

export const RemovedActivityBody = Type.Object(
  { name: Type.String({ description: 'The activity that was deleted.' }) },
  { title: 'RemovedActivity' },
);

export const ActivityTaskQuery = strict({
  workerName: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 80,
      description: 'Who takes the task, for the history.',
      examples: ['picker-3'],
    }),
  ),
  wait: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_WAIT_SECONDS,
      default: 0,
      description: 'How many seconds to wait for a task when there is none. A worker should ask for 60.',
    }),
  ),
});

export const ActivityTaskBody = Type.Object(
  {
    taskToken: Type.String({
      description: 'To answer with: POST /task-tokens/{token}/success and its siblings.',
    }),
    input: anyJson({ description: "The task's input.", examples: [{ orderId: 4711 }] }),
  },
  { title: 'ActivityTask' },
);
