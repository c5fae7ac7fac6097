import { type Static, Type } from 'typebox';
import { filter, ofMachine } from './executions.js';
import { anyJson, instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

export const RedriveBody = strict(
  {
    clientToken: Type.Optional(
      Type.String({
        pattern: '^[!-~]{1,64}$',
        description:
          'Makes the request safe to repeat: within 15 minutes the same token answers the same date and does nothing, whatever became of the execution since. The last ten of an execution are remembered.',
        examples: ['redrive-4711'],
      }),
    ),
  },
  { title: 'Redrive' },
);

export const RedrivenBody = Type.Object(
  {
    executionId: Type.String({
      description: 'The execution that was taken up again.',
      examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'],
    }),
    redriveDate: instant('When it was redriven.'),
  },
  { title: 'Redriven' },
);

const { status: _, paused: __, held: ___, ...found } = filter;

export const BulkRedriveBody = strict(
  {
    filter: strict(
      {
        ...ofMachine,
        ...found,
        status: Type.Optional(
          oneOf(['FAILED', 'TIMED_OUT', 'ABORTED'], {
            description: 'Executions that ended so. Absent: all that ended without success.',
          }),
        ),
      },
      { title: 'RedriveFilter', minProperties: 1 },
    ),
  },
  { title: 'NewBulkRedrive' },
);

export const BulkRedriveParams = Type.Object({
  redriveId: Type.String({
    description: 'The redrive by filter.',
    examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'],
  }),
});

const STATUSES = ['RUNNING', 'SUCCEEDED', 'ABORTED'] as const;

export const BulkRedriveQuery = strict({
  status: Type.Optional(oneOf(STATUSES, { description: 'Redrives in this status.' })),
  ...PageQuery,
});

export const BulkRedriveView = Type.Object(
  {
    redriveId: Type.String({
      description: 'Unique, and ordered by time.',
      examples: ['0198c1a2-7d4e-7c3a-9f0b-5a4b3c2d1e0f'],
    }),
    status: oneOf(STATUSES, {
      description:
        'SUCCEEDED when all that the filter finds have been looked at; ABORTED when it was cancelled before.',
    }),
    filter: anyJson({ description: 'As it was given.', examples: [{ stateMachineId: 'order-processing' }] }),
    redriven: Type.Integer({ description: 'How many run again.' }),
    refused: Type.Integer({ description: 'How many were found that cannot be redriven.' }),
    createdAt: instant('When it was asked for. What ended later is left alone.'),
    endTime: nullable(instant('When the last was looked at, or it was cancelled; null before.')),
  },
  { title: 'BulkRedrive' },
);
export type BulkRedriveView = Static<typeof BulkRedriveView>;

export const BulkRedrivePage = pageOf(BulkRedriveView, 'BulkRedrivePage');

export const PauseBody = strict(
  {
    reason: Type.Optional(
      Type.String({
        maxLength: 256,
        description: 'For whoever finds it paused.',
        examples: ['price is wrong'],
      }),
    ),
  },
  { title: 'Pause' },
);
