import { type Static, Type } from 'typebox';
import { anyJson, instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';
import { sourceInputTransformer } from './transformers.js';

export const EXECUTION_STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
export const ExecutionStatus = oneOf(EXECUTION_STATUSES, { title: 'ExecutionStatus' });

export const ExecutionParams = Type.Object({
  executionId: Type.String({
    description: 'The execution.',
    examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'],
  }),
});

const uuid = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 100,
    description,
    examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'],
  });

const start = {
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 80,
      description:
        'As AWS has it: 1 to 80 characters, no spaces, brackets, wildcards or special characters. Unique in the machine: the same name with the same input answers the same execution, with another input 409. Made when absent.',
      examples: ['order-4711'],
    }),
  ),
  input: Type.Optional(
    anyJson({
      description: '`{}` when absent. Not together with a source.',
      examples: [{ orderId: 4711, items: [{ sku: 'A-1', quantity: 2 }] }],
    }),
  ),
  sourceExecutionId: Type.Optional(uuid('Chaining: the output of this execution is the input.')),
  sourceStateName: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 80,
      description: 'Chaining: the output of this state of the source, as it was left last, is the input.',
      examples: ['Charge'],
    }),
  ),
  sourceInputTransformer,
};

export const StartExecutionBody = strict(
  {
    ...start,
    queue: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 100,
        description: "The queue to wait in, which must exist. Absent: the machine's.",
        examples: ['critical'],
      }),
    ),
  },
  { title: 'StartExecution' },
);

export const EnqueueBody = strict(
  {
    stateMachineId: Type.String({
      minLength: 1,
      maxLength: 80,
      description: 'The machine to run.',
      examples: ['order-processing'],
    }),
    queue: Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'The queue, which must exist.',
      examples: ['critical'],
    }),
    ...start,
    at: Type.Optional(instant('Not to be taken up before. A time that has passed means now.')),
  },
  { title: 'Enqueue' },
);

export const MAX_WAIT_SECONDS = 60;

export const wait = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: MAX_WAIT_SECONDS,
    default: 0,
    description:
      'Hold the answer until the end, at most so many seconds; then answer as it stands. It runs on either way.',
  }),
);

export const StartQuery = strict({ wait });

const machine = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 80, description, examples: ['invoicing'] }));

/** Of lists, and of a batch's filter. */
export const chained = {
  chainedInto: machine('Those that were the source of an execution of this machine.'),
  notChainedInto: machine(
    'Those that have not been the source of an execution of this machine. One that never ran, since there was no input for it or its batch was stopped, does not count.',
  ),
};

export const filter = {
  ...chained,
  status: Type.Optional(oneOf(EXECUTION_STATUSES, { description: 'Executions in this status.' })),
  name: Type.Optional(
    Type.String({ minLength: 1, maxLength: 80, description: 'Part of the name, in any case.' }),
  ),
  currentState: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 80,
      description: 'Executions that are in this state, or ended in it.',
    }),
  ),
  startedAfter: Type.Optional(instant('Started after this time.')),
  startedBefore: Type.Optional(instant('Started before this time.')),
  batchId: Type.Optional(uuid('Members of this batch, or child executions of this map run.')),
  parentExecutionId: Type.Optional(uuid('Those that a Task state of this execution started.')),
  paused: Type.Optional(Type.Boolean({ description: 'Executions that are paused, or that are not.' })),
  held: Type.Optional(
    Type.Boolean({
      description: 'Executions that wait for a place in their machine, which has limits; or that do not.',
    }),
  ),
  scheduleId: Type.Optional(
    Type.String({ minLength: 1, maxLength: 60, description: 'Those that this schedule started.' }),
  ),
};

export const ofMachine = {
  stateMachineId: Type.Optional(
    Type.String({ minLength: 1, maxLength: 80, description: 'Executions of this machine.' }),
  ),
};

export const ExecutionQuery = strict({ ...ofMachine, ...filter, ...PageQuery });
export const ExecutionCountQuery = strict({ ...ofMachine, ...filter });
export const MachineExecutionQuery = strict({ ...filter, ...PageQuery });
export const MachineExecutionCountQuery = strict({ ...filter });

export const ExecutionBody = Type.Object(
  {
    executionId: uuid('Unique, and ordered by time.'),
    stateMachineId: Type.String({ description: 'The machine that it runs.', examples: ['order-processing'] }),
    version: Type.Integer({ description: 'The version of the definition that it runs, to its end.' }),
    name: Type.String({ description: 'Unique in the machine.', examples: ['order-4711'] }),
    status: ExecutionStatus,
    currentState: nullable(Type.String(), {
      description: 'The state it is in, or the last one it was in when it ended; null before the first.',
      examples: ['Charge'],
    }),
    input: anyJson({ description: 'The input, as it was given.', examples: [{ orderId: 4711 }] }),
    output: anyJson({ description: 'The output; null while there is none.' }),
    error: nullable(Type.String(), {
      description: 'The name of the error that ended it; null when it TIMED_OUT, as in AWS.',
    }),
    cause: nullable(Type.String(), { description: 'What the error said; null when it TIMED_OUT.' }),
    startTime: instant('When it started.'),
    endTime: nullable(instant('When it ended; null while it runs.')),
    queue: Type.String({ description: 'The queue that it waits in.', examples: ['order-processing'] }),
    batchId: nullable(Type.String(), { description: 'The batch it is a member of, or the map run.' }),
    sourceExecutionId: nullable(Type.String(), { description: 'The execution whose output it was given.' }),
    parentExecutionId: nullable(Type.String(), {
      description: 'The execution whose state started it.',
    }),
    redriveCount: Type.Integer({ description: 'How often it was redriven.' }),
    redriveDate: nullable(instant('When it was redriven last; null: never.')),
    heldAt: nullable(
      instant(
        'Since when, or from when on, it waits for a place in its machine, which has limits; null: it does not.',
      ),
    ),
    pausedAt: nullable(instant('Since when it is paused; null: it is not.')),
    pauseReason: nullable(Type.String(), { description: 'Why it is paused, as far as anybody said.' }),
    scheduleId: nullable(Type.String(), { description: 'The schedule that started it.' }),
    scheduledTime: nullable(instant('The instant of the schedule that it was started for.')),
  },
  { title: 'Execution' },
);
export type ExecutionBody = Static<typeof ExecutionBody>;

export const ExecutionPage = pageOf(ExecutionBody, 'ExecutionPage');

export const ExecutionCountBody = Type.Object(
  { count: Type.Integer({ description: 'How many there are now.' }) },
  { title: 'ExecutionCount' },
);

export const HistoryQuery = strict({
  ...PageQuery,
  reverse: Type.Optional(Type.Boolean({ default: false, description: 'The latest event first.' })),
});

const HistoryEventBody = Type.Object(
  {
    id: Type.Integer({ description: '1, 2, 3 … without gaps.' }),
    previousEventId: Type.Integer({ description: 'The event that led to this one; 0: none.' }),
    type: Type.String({
      description: "One of AWS's, or of those that the Message state and pauses add.",
      examples: ['TaskStateEntered'],
    }),
    timestamp: instant('When it happened.'),
  },
  {
    title: 'HistoryEvent',
    description:
      'As AWS records it: beside these members, the one `…EventDetails` object that the type has, in which `input`, `output` and their like are JSON text.',
    additionalProperties: Type.Unsafe<unknown>({ type: 'object', additionalProperties: true }),
    examples: [
      {
        id: 2,
        previousEventId: 0,
        type: 'TaskStateEntered',
        timestamp: '2026-01-31T12:00:00.000Z',
        stateEnteredEventDetails: { name: 'Charge', input: '{"orderId":4711}' },
      },
    ],
  },
);
export const HistoryPage = pageOf(HistoryEventBody, 'HistoryPage');

export const StatesQuery = strict({ ...PageQuery });

const StateRecordBody = Type.Object(
  {
    stateName: Type.String({ description: 'The state.', examples: ['Charge'] }),
    stateType: Type.String({ description: 'Its `Type` in the definition.', examples: ['Task'] }),
    status: Type.String({
      description: 'How it went, or that it has not been left yet.',
      examples: ['SUCCEEDED'],
    }),
    input: anyJson({ description: 'What the state was given.' }),
    output: anyJson({ description: 'What it handed on; null while there is none.' }),
    error: nullable(Type.String(), { description: 'The name of the error that it failed with.' }),
    startTime: instant('When it was entered.'),
    endTime: nullable(instant('When it was left.')),
    retryCount: Type.Integer({ description: 'How often it was tried again.' }),
    sequenceNumber: Type.Integer({ description: 'The order in which states were entered.' }),
  },
  { title: 'StateRecord' },
);
export const StateRecordPage = pageOf(StateRecordBody, 'StateRecordPage');

export const StopBody = strict(
  {
    error: Type.Optional(
      Type.String({ maxLength: 256, description: 'The name of the error.', examples: ['Order.Withdrawn'] }),
    ),
    cause: Type.Optional(
      Type.String({
        maxLength: 32_768,
        description: 'Why it was stopped.',
        examples: ['the customer called'],
      }),
    ),
  },
  { title: 'StopExecution' },
);
