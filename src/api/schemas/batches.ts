import { type Static, Type } from 'typebox';
import { chained, EXECUTION_STATUSES, ExecutionStatus, wait } from './executions.js';
import { anyJson, instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';
import { sourceInputTransformer } from './transformers.js';

const MODES = ['distributed', 'concurrent', 'sequential'] as const;
const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED'] as const;
const BatchStatus = oneOf(STATUSES, { title: 'BatchStatus' });

export const BatchParams = Type.Object({
  batchId: Type.String({ description: 'The batch.', examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'] }),
});

const options = {
  mode: Type.Optional(
    oneOf(MODES, {
      default: 'distributed',
      description:
        '`distributed`: every worker takes members. `concurrent`: one process, `concurrency` at a time. `sequential`: one process, one after another, in order.',
    }),
  ),
  namePrefix: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 60,
      description: 'Members are named `<namePrefix>-<index>`. Made when absent.',
      examples: ['orders-2026-01'],
    }),
  ),
  concurrency: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description:
        'How many members run at once; 10 when absent. Only with mode `concurrent`: else it is refused.',
    }),
  ),
  stopOnError: Type.Optional(
    Type.Boolean({ default: false, description: 'End the batch at its first failure; start nothing more.' }),
  ),
  queue: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description: "The queue of the members, which must exist. Absent: the machine's.",
    }),
  ),
};

const BatchFilterBody = strict(
  {
    stateMachineId: Type.Optional(
      Type.String({ description: 'Executions of this machine.', minLength: 1, maxLength: 80 }),
    ),
    status: Type.Optional(
      oneOf(EXECUTION_STATUSES, {
        description:
          'Sources in this status. Absent: SUCCEEDED without `sourceStateName`, any status with it. Without `sourceStateName` any other than SUCCEEDED is refused: such executions have no output.',
      }),
    ),
    currentState: Type.Optional(
      Type.String({
        description: 'Executions that are in this state, or ended in it.',
        minLength: 1,
        maxLength: 80,
      }),
    ),
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 80, description: 'Part of the name, in any case.' }),
    ),
    startedAfter: Type.Optional(instant('Sources that started after this time.')),
    startedBefore: Type.Optional(instant('Sources that started before this time.')),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'At most so many sources.' }),
    ),
    offset: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Leave out so many first.' }),
    ),
    sourceStateName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        description:
          "The output of this state is the input, instead of the execution's. With `stateMachineId`, some version of that machine must have it; a source that has not left it makes a member that FAILED with Escapement.SourceHasNoOutput.",
      }),
    ),
    sourceInputTransformer,
    ...chained,
    applyUnique: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Leave out sources that this machine was already run for (with the same `sourceStateName`). A member that never ran, since its source had no output or its batch was stopped, does not count.',
      }),
    ),
  },
  { title: 'BatchFilter', description: 'Which executions are the sources: their outputs become the inputs.' },
);

export const CreateBatchBody = strict(
  {
    ...options,
    filter: Type.Optional(BatchFilterBody),
    inputs: Type.Optional(
      Type.Array(anyJson(), {
        description: 'One execution for each of them, in order.',
        examples: [[{ orderId: 1 }, { orderId: 2 }]],
      }),
    ),
  },
  { title: 'CreateBatch', description: 'Exactly one of `filter` and `inputs`.' },
);
export type CreateBatchBody = Static<typeof CreateBatchBody>;

/** The lines of an NDJSON body are the inputs; the options are in the query then. */
export const CreateBatchQuery = strict({ wait, ...options });
export type CreateBatchQuery = Static<typeof CreateBatchQuery>;

export const NdjsonBody = Type.Unsafe<unknown>({
  description:
    'One JSON value a line, each the input of one execution. Streamed: a batch may be far larger than memory. The options are in the query.',
  examples: ['{"orderId":1}\n{"orderId":2}\n'],
});

export const BatchQuery = strict({
  stateMachineId: Type.Optional(
    Type.String({ minLength: 1, maxLength: 80, description: 'Batches of this machine.' }),
  ),
  status: Type.Optional(oneOf(STATUSES, { description: 'Batches in this status.' })),
  ...PageQuery,
});

const count = (description: string) => Type.Integer({ description });

export const BatchBody = Type.Object(
  {
    batchId: Type.String({
      description: 'Unique, and ordered by time.',
      examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'],
    }),
    stateMachineId: Type.String({
      description: 'The machine that its members run.',
      examples: ['order-processing'],
    }),
    version: Type.Integer({ description: 'The version of the definition that all members run.' }),
    mode: oneOf(MODES, { description: 'How its members are run.' }),
    status: BatchStatus,
    namePrefix: Type.String({
      description: 'Members are named `<namePrefix>-<index>`.',
      examples: ['orders-2026-01'],
    }),
    concurrency: Type.Integer({
      description: 'How many members run at once; 0: as many as the workers have slots for.',
    }),
    stopOnError: Type.Boolean({ description: 'Whether its first failure ends it.' }),
    queue: Type.String({ description: 'The queue that its members wait in.' }),
    total: count('Members, started or not.'),
    started: count('Members that were created.'),
    succeeded: count('Members that ended well.'),
    failed: count('Members that failed or timed out.'),
    aborted: count('Members that were stopped.'),
    ratePerSecond: nullable(Type.Number(), {
      description: 'Members ended per second so far; null while none has.',
    }),
    estimatedEnd: nullable(instant('When it will have ended at this rate; null while nobody knows.')),
    createdAt: instant('When it was created.'),
    endTime: nullable(instant('When it ended; null while it runs.')),
  },
  { title: 'Batch' },
);
export type BatchBody = Static<typeof BatchBody>;

export const BatchPage = pageOf(BatchBody, 'BatchPage');

export const BatchResultsQuery = strict({ ...PageQuery });

export const BatchResultPage = pageOf(
  Type.Object(
    {
      index: Type.Integer({ description: 'The place of the member in the batch, from 0.' }),
      sourceExecutionId: nullable(Type.String(), {
        description: 'The execution whose output is the input of the member; null: its input was given.',
      }),
      executionId: nullable(Type.String(), {
        description: 'null: it was never created, since the batch was stopped before.',
      }),
      status: ExecutionStatus,
      error: nullable(Type.String(), {
        description:
          'The name of the error that ended it. `Escapement.BatchCancelled` or `Escapement.BatchStopped`: its batch was cancelled, or stopped on an error, before it began. `Escapement.SourceHasNoOutput`: there was nothing to run it with. `Escapement.TransformerFailed`: the transformer made nothing of it.',
      }),
    },
    { title: 'BatchResult' },
  ),
  'BatchResultPage',
);
