import { Type } from 'typebox';
import { anyJson, strict } from './json.js';

const token = Type.String({
  minLength: 1,
  maxLength: 2048,
  description:
    'What the task was given as its token. It is in the body, not in the path: whoever has it can answer, and paths end up in logs.',
  examples: ['8c1f8f0e-6f0b-4f0e-9d3e-2f6b1a9c7d55'],
});

export const TaskSuccessBody = strict(
  {
    token,
    output: anyJson({ description: "The task's result.", examples: [{ approved: true }] }),
  },
  { title: 'TaskSuccess' },
);

export const TaskFailureBody = strict(
  {
    token,
    error: Type.Optional(
      Type.String({
        maxLength: 256,
        description: 'The name that Retry and Catch look at.',
        examples: ['Order.Refused'],
      }),
    ),
    cause: Type.Optional(
      Type.String({ maxLength: 32_768, description: 'Why.', examples: ['the limit is used up'] }),
    ),
  },
  { title: 'TaskFailure' },
);

export const TaskHeartbeatBody = strict({ token }, { title: 'TaskHeartbeat' });
