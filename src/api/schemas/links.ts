import { type Static, Type } from 'typebox';
import { ExecutionStatus } from './executions.js';
import { instant, nullable, oneOf, strict } from './json.js';
import { PageQuery, pageOf } from './page.js';

export const LinksQuery = strict({ ...PageQuery });

export const LinkBody = Type.Object(
  {
    relation: oneOf(['source', 'parent', 'batch', 'mapRun', 'chained', 'child'] as const, {
      description:
        'What the other is to this execution. In `from`: its `source`, `parent`, `batch` or the `mapRun` that it is a child of. In `items`: an execution `chained` from it, a `child` that a state of it started, a `mapRun` of a Map state of it.',
    }),
    executionId: nullable(Type.String(), { description: 'The other, if it is an execution.' }),
    batchId: nullable(Type.String(), { description: 'The other, if it is a batch.' }),
    mapRunId: nullable(Type.String(), { description: 'The other, if it is a map run.' }),
    stateMachineId: Type.String({ description: "The other's machine.", examples: ['invoicing'] }),
    name: Type.String({
      description: "An execution's name, a map run's Map state, or the prefix of a batch's members.",
    }),
    status: ExecutionStatus,
    sourceStateName: nullable(Type.String(), {
      description: "The state whose output became the input; null: the execution's output did, or none.",
    }),
    startTime: instant('When the other started.'),
  },
  { title: 'Link' },
);
export type LinkBody = Static<typeof LinkBody>;

const page = pageOf(LinkBody, 'LinkPage');

export const LinksBody = Type.Object(
  {
    from: Type.Array(LinkBody, { description: 'What it came from; the same on every page.' }),
    ...page.properties,
  },
  { title: 'Links' },
);
