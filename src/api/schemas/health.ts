import { Type } from 'typebox';
import { oneOf } from './json.js';

export const LiveBody = Type.Object(
  { status: oneOf(['live'], { description: 'The process answers.' }) },
  { title: 'Live' },
);

export const ReadyBody = Type.Object(
  {
    ready: Type.Boolean({ description: 'Whether requests can be answered: the database is up.' }),
    database: oneOf(['up', 'down'], { description: 'PostgreSQL.' }),
    queue: oneOf(['up', 'down'], {
      description: 'While it is down, executions can be started; they are taken up once it is back.',
    }),
  },
  { title: 'Ready' },
);
