import { type Static, Type } from 'typebox';
import { instant, nullable, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

export const TaskEndpointParams = Type.Object({
  name: Type.String({ description: 'The function.', examples: ['charge-card'] }),
});

const url = Type.String({
  minLength: 1,
  maxLength: 2048,
  description: 'Where the function is called, with POST.',
  examples: ['https://handlers.example.com/charge-card'],
});

const timeoutSeconds = Type.Integer({
  minimum: 1,
  maximum: 900,
  default: 60,
  description: 'How long a call may take. The state has limits of its own.',
});

export const CreateTaskEndpointBody = strict(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 140,
      description: "The function's name, as a Task state's Resource or FunctionName has it.",
      examples: ['charge-card'],
    }),
    url,
    timeoutSeconds: Type.Optional(timeoutSeconds),
  },
  { title: 'CreateTaskEndpoint' },
);

export const UpdateTaskEndpointBody = strict(
  { url: Type.Optional(url), timeoutSeconds: Type.Optional(timeoutSeconds) },
  { title: 'UpdateTaskEndpoint' },
);

export const RotateSecretQuery = strict({
  overlapSeconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 2_592_000,
      default: 86_400,
      description: 'For so long calls are signed with the secret before, too.',
    }),
  ),
});

const fields = {
  name: Type.String({ description: "The function's name.", examples: ['charge-card'] }),
  url: Type.String({
    description: 'Where it is called, with POST.',
    examples: ['https://handlers.example.com/charge-card'],
  }),
  timeoutSeconds: Type.Integer({ description: 'How long a call may take.' }),
  createdAt: instant('When it was created.'),
  rotatedAt: nullable(instant('When it was last given another secret.')),
  previousUntil: nullable(instant('Until when calls are signed with the secret before, too.')),
};

export const TaskEndpointBody = Type.Object(fields, { title: 'TaskEndpoint' });
export type TaskEndpointBody = Static<typeof TaskEndpointBody>;

export const TaskEndpointSecretBody = Type.Object(
  {
    ...fields,
    secret: Type.String({
      description: 'What calls are signed with (Escapement-Signature). It is shown this once.',
      examples: ['esk_vGq0…'],
    }),
  },
  { title: 'TaskEndpointSecret' },
);
export type TaskEndpointSecretBody = Static<typeof TaskEndpointSecretBody>;

export const TaskEndpointQuery = strict({ ...PageQuery });
export const TaskEndpointPage = pageOf(TaskEndpointBody, 'TaskEndpointPage');
export const RemovedTaskEndpointBody = Type.Object(
  { name: Type.String({ description: 'The function whose endpoint was deleted.' }) },
  { title: 'RemovedTaskEndpoint' },
);
