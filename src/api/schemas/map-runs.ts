import { type Static, Type } from 'typebox';
import { instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

export const MapRunParams = Type.Object({
  mapRunId: Type.String({ description: 'The map run.', examples: ['5f0c8a36-9d1e-4f5b-8f3a-2b7c6d5e4f30'] }),
});

export const MapRunsQuery = strict({ ...PageQuery });

const count = (description: string) => Type.Integer({ description });

const Counts = (title: string, what: string) =>
  Type.Object(
    {
      total: count(`All ${what}.`),
      pending: count('Not started yet, or not taken up again yet by a redrive.'),
      running: count('Started, and not over.'),
      succeeded: count('Ended well.'),
      failed: count('Failed. Those that timed out are not among them.'),
      timedOut: count('Ran out of time.'),
      aborted: count('Stopped, or never started since the run was stopped before.'),
    },
    { title },
  );

export const MapRunBody = Type.Object(
  {
    mapRunId: Type.String({
      description: 'Its id, as `batchId` of its child executions.',
      examples: ['5f0c8a36-9d1e-4f5b-8f3a-2b7c6d5e4f30'],
    }),
    mapRunArn: Type.String({
      description: 'As the history and the results have it.',
      examples: [
        'arn:aws:states:us-east-1:000000000000:mapRun:order-processing/Each:5f0c8a36-9d1e-4f5b-8f3a-2b7c6d5e4f30',
      ],
    }),
    executionId: Type.String({ description: 'The execution whose Map state it belongs to.' }),
    stateName: Type.String({ description: 'The Map state.', examples: ['Each'] }),
    stateMachineId: Type.String({
      description: "What the child executions have as their machine: the machine's id and the Map's label.",
      examples: ['order-processing/Each'],
    }),
    status: oneOf(['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED'] as const, { title: 'MapRunStatus' }),
    maxConcurrency: Type.Integer({
      description:
        'How many child executions run at once; 0: the definition sets no limit, and it is 10,000.',
    }),
    toleratedFailureCount: Type.Integer({ description: 'How many items may fail; 0 where none is given.' }),
    toleratedFailurePercentage: Type.Number({
      description: 'How many of a hundred items may fail; 0 where none is given.',
    }),
    executionCounts: Counts('MapRunExecutionCounts', 'child executions'),
    itemCounts: Counts('MapRunItemCounts', 'items: with an ItemBatcher a child execution has several'),
    startTime: instant('When all of its items had been read.'),
    endTime: nullable(instant('When it ended; null while it runs.')),
    redriveCount: Type.Integer({ description: 'How often it was taken up again with its execution.' }),
    redriveDate: nullable(instant('When it was last taken up again; null: never.')),
  },
  { title: 'MapRun' },
);
export type MapRunBody = Static<typeof MapRunBody>;

export const MapRunPage = pageOf(MapRunBody, 'MapRunPage');
