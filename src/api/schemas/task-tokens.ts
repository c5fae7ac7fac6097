import { Type } from 'typebox';
import { anyJson, strict } from './json.js';

export const TaskTokenParams = Type.Object({
  token: Type.String({
    description:
      'What the task was given as its token. Whoever has it can answer: our own log leaves it out, and a proxy in front should too.',
    examples: ['8c1f8f0e-6f0b-4f0e-9d3e-2f6b1a9c7d55'],
  }),
});

export const TaskSuccessBody = strict(
  { output: anyJson({ description: "The task's result.", examples: [{ approved: true }] }) },
  { title: 'TaskSuccess' },
);

export const TaskFailureBody = strict(
  {
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
