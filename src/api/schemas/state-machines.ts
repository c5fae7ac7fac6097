import { type Static, Type } from 'typebox';
import { anyJson, instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

const definitionExample = {
  StartAt: 'Ship',
  States: { Ship: { Type: 'Task', Resource: 'shipOrder', End: true } },
};

const Definition = anyJson({
  description:
    'The state machine in Amazon States Language: an object, or text that holds it as JSON or YAML.',
  anyOf: [{ type: 'object', additionalProperties: true }, { type: 'string' }],
  examples: [definitionExample],
});

const MachineType = oneOf(['STANDARD', 'EXPRESS'], {
  description:
    'STANDARD, which is also the default, or EXPRESS: an execution takes at most 5 minutes, its history has no limit, and some of what waits is refused, as on AWS.',
});

const name = Type.String({
  minLength: 1,
  maxLength: 80,
  description: 'What people call the machine: one line.',
  examples: ['order-processing'],
});
const description = Type.String({ maxLength: 4096, description: 'For whoever reads the list.' });
const queue = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'The queue of its executions, which must exist. Absent: a queue of its own, weight 5.',
  examples: ['critical'],
});
const metadata = anyJson({
  description: 'Anything you want to keep with the machine.',
  examples: [{ owner: 'fulfilment' }],
});

const roleArn = Type.String({
  maxLength: 256,
  description:
    'Nothing here assumes the role: it is shown in the history and in the context object, as on AWS.',
  examples: ['arn:aws:iam::000000000000:role/orders'],
});

const strategy = oneOf(['retry', 'skip', 'fail', 'pause'], {
  description:
    '`retry`, which is also the default: the interrupted calls are made again, under the same keys. `skip`: the interrupted state is left with `output`. `fail`: it fails with Escapement.Interrupted, which its Retry and Catch may take. `pause`: the execution is paused.',
});
const recovered = anyJson({
  description: "Of `skip`: the interrupted state's output. Absent: its input.",
  examples: [{ skipped: true }],
});
const maxRecoveries = Type.Integer({
  minimum: 0,
  maximum: 1000,
  description:
    'After so many in a row, without a call that has come back between, the execution is paused. 3 when absent.',
});

const NewRecovery = strict(
  {
    strategy: Type.Optional(strategy),
    output: Type.Optional(recovered),
    maxRecoveries: Type.Optional(maxRecoveries),
  },
  {
    title: 'NewRecovery',
    description:
      'What becomes of an execution whose worker died while it was advancing it. Holds at once, for executions that run, too. null: the calls are made again, and at the 20th death in a row the execution is paused.',
  },
);

const maxConcurrentExecutions = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description:
    'How many of its executions may run at once, over all workers. What is over is accepted, and held until others end, the oldest first. null: no limit. A change holds at once.',
  examples: [10],
});
const startsPerSecond = Type.Number({
  minimum: 0.001,
  maximum: 10_000,
  description:
    'How many of its executions may begin in a second, over all workers. What is over is accepted, and held. null: no limit. A change holds at once.',
  examples: [5],
});

export const StateMachineParams = Type.Object({
  stateMachineId: Type.String({ description: 'The state machine.', examples: ['order-processing'] }),
});

export const CreateStateMachineBody = strict(
  {
    id: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{1,80}$',
        description: 'Made from the name when absent.',
        examples: ['order-processing'],
      }),
    ),
    name,
    description: Type.Optional(description),
    definition: Definition,
    type: Type.Optional(MachineType),
    queue: Type.Optional(queue),
    metadata: Type.Optional(metadata),
    roleArn: Type.Optional(roleArn),
    recovery: Type.Optional(nullable(NewRecovery)),
    maxConcurrentExecutions: Type.Optional(nullable(maxConcurrentExecutions)),
    startsPerSecond: Type.Optional(nullable(startsPerSecond)),
  },
  { title: 'CreateStateMachine' },
);

export const UpdateStateMachineBody = strict(
  {
    name: Type.Optional(name),
    description: Type.Optional(nullable(description)),
    definition: Type.Optional(Definition),
    queue: Type.Optional(queue),
    metadata: Type.Optional(metadata),
    roleArn: Type.Optional(nullable(roleArn)),
    recovery: Type.Optional(nullable(NewRecovery)),
    maxConcurrentExecutions: Type.Optional(nullable(maxConcurrentExecutions)),
    startsPerSecond: Type.Optional(nullable(startsPerSecond)),
  },
  { title: 'UpdateStateMachine', minProperties: 1 },
);

export const StateMachineQuery = strict({
  id: Type.Optional(Type.String({ minLength: 1, maxLength: 80, description: 'This machine only.' })),
  name: Type.Optional(
    Type.String({ minLength: 1, maxLength: 80, description: 'Part of the name, in any case.' }),
  ),
  type: Type.Optional(oneOf(['STANDARD', 'EXPRESS'], { description: 'Machines of this type.' })),
  createdAfter: Type.Optional(instant('Created after this time.')),
  createdBefore: Type.Optional(instant('Created before this time.')),
  ...PageQuery,
});

export const RemoveStateMachineQuery = strict({
  force: Type.Optional(
    Type.Boolean({ default: false, description: 'Stop the executions that run, instead of refusing.' }),
  ),
});

export const StateMachineBody = Type.Object(
  {
    stateMachineId: Type.String({
      description: 'Its id, in routes and filters.',
      examples: ['order-processing'],
    }),
    name: Type.String({ description: 'What people call it.', examples: ['order-processing'] }),
    description: nullable(Type.String(), { description: 'For whoever reads the list.' }),
    type: oneOf(['STANDARD', 'EXPRESS'], { description: 'What it was created as.' }),
    queue: Type.String({
      description: 'The queue that its executions wait in, unless a start names another.',
    }),
    metadata: anyJson({ description: 'As it was given; null when nothing was.' }),
    recovery: nullable(
      Type.Object({ strategy, output: Type.Optional(recovered), maxRecoveries }, { title: 'Recovery' }),
    ),
    maxConcurrentExecutions: nullable(maxConcurrentExecutions),
    startsPerSecond: nullable(startsPerSecond),
    version: Type.Integer({ description: '1 at first; one more with each new definition.' }),
    definition: anyJson({ description: 'The definition, parsed.', examples: [definitionExample] }),
    roleArn: nullable(roleArn),
    createdAt: instant('When it was created.'),
    updatedAt: instant('When it was changed last.'),
  },
  { title: 'StateMachine' },
);
export type StateMachineBody = Static<typeof StateMachineBody>;

export const StateMachinePage = pageOf(StateMachineBody, 'StateMachinePage');

const StateMachineVersionBody = Type.Object(
  {
    version: Type.Integer({ description: '1 at first; one more with each new definition.' }),
    definition: anyJson({ description: 'The definition of this version, parsed.' }),
    roleArn: nullable(roleArn),
    createdAt: instant('When the definition was stored.'),
  },
  { title: 'StateMachineVersion' },
);
export const StateMachineVersionPage = pageOf(StateMachineVersionBody, 'StateMachineVersionPage');

export const RemovedStateMachineBody = Type.Object(
  {
    stateMachineId: Type.String({ description: 'The machine that was deleted.' }),
    stopped: Type.Integer({ description: 'How many executions were asked to stop.' }),
  },
  { title: 'RemovedStateMachine' },
);

export const ValidateBody = strict(
  { definition: Definition, type: Type.Optional(MachineType) },
  { title: 'ValidateDefinition' },
);

export const ValidationBody = Type.Object(
  {
    result: oneOf(['OK', 'FAIL'], { description: 'FAIL when a diagnostic is an ERROR.' }),
    diagnostics: Type.Array(
      Type.Object({
        severity: oneOf(['ERROR', 'WARNING'], {
          description: 'An ERROR refuses the definition, a WARNING does not.',
        }),
        code: Type.String({ description: "What kind of complaint it is, in AWS's words where AWS has one." }),
        pointer: Type.String({ description: "JSON Pointer into the definition; '' is the whole." }),
        message: Type.String({ description: 'What was found and what was expected.' }),
      }),
      { description: 'What was found; none: it is sound.' },
    ),
  },
  { title: 'Validation' },
);

export const StatisticsQuery = strict({
  startedAfter: Type.Optional(instant('Executions that started after this time.')),
  startedBefore: Type.Optional(instant('Executions that started before this time.')),
});

const milliseconds = (what: string) =>
  nullable(Type.Number(), { description: `${what}, in milliseconds; null while none has ended.` });

export const StatisticsBody = Type.Object(
  {
    stateMachineId: Type.String({ description: 'The machine.' }),
    statuses: Type.Array(
      Type.Object({
        status: oneOf(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'], {
          description: 'The status that the figures are of.',
        }),
        count: Type.Integer({ description: 'Executions in this status.' }),
        averageMs: milliseconds('The mean duration'),
        minMs: milliseconds('The shortest duration'),
        maxMs: milliseconds('The longest duration'),
        p50Ms: milliseconds('The median duration'),
        p95Ms: milliseconds('The duration that 95 % stay within'),
        p99Ms: milliseconds('The duration that 99 % stay within'),
        first: nullable(instant('When the first of them started.')),
        last: nullable(instant('When the last of them started.')),
      }),
      { description: 'One for each status, also for those that no execution has.' },
    ),
  },
  { title: 'Statistics' },
);
