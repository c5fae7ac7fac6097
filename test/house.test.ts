import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { complaintsAbout, type SourceFile } from './house-rules.js';

const root = path.join(import.meta.dirname, '..');

function sourceFiles(): SourceFile[] {
  return readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => `src/${name.split(path.sep).join('/')}`)
    .filter((name) => name.endsWith('.ts') && !name.startsWith('src/store/generated/'))
    .map((name) => ({ path: name, text: readFileSync(path.join(root, name), 'utf8') }));
}

describe('the house', () => {
  test('every file keeps the rules', () => {
    const files = sourceFiles();
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap(complaintsAbout)).toEqual([]);
  });
});

describe('the rules', () => {
  const about = (file: string, text: string) => complaintsAbout({ path: file, text });

  test.each([
    ['src/asl/choice.ts', "import { isRecord } from '../std/json.js';"],
    ['src/store/journal.ts', "import type { Checkpoint } from '../engine/index.js';\nimport pg from 'pg';"],
    ['src/store/journal.ts', "import { type Checkpoint, type Frame } from '../engine/index.js';"],
    [
      'src/main/api.ts',
      "import { connectQueues } from '../queue/index.js';\nconst port = process.env['PORT'];",
    ],
    [
      'src/asl/jsonata/bindings.ts',
      "import jsonata from 'jsonata';\nawait evaluate(text); // not eval(text)",
    ],
    ['src/queue/consumer.ts', "export { a } from './pool.js';"],
  ])('let %s do what it may', (file, text) => {
    expect(about(file, text)).toEqual([]);
  });

  test.each([
    ['src/asl/choice.ts', "import { step } from '../engine/index.js';", 'asl may not use engine'],
    ['src/store/journal.ts', "import { fold } from '../engine/index.js';", '(beyond types)'],
    ['src/store/journal.ts', "import { type A, fold } from '../engine/index.js';", '(beyond types)'],
    [
      'src/operations/executions.ts',
      "import { run } from '../tasks/index.js';",
      'operations may not use tasks',
    ],
    [
      'src/operations/executions.ts',
      "import { run } from '../worker/index.js';",
      'operations may not use worker',
    ],
    ['src/api/app.ts', "import { pool } from '../store/index.js';", 'api may not use store'],
    ['src/api/app.ts', "export * from '../store/index.js';", 'api may not use store'],
    ['src/api/app.ts', "const store = await import('../store/index.js');", 'api may not use store'],
    ['src/worker/loop.ts', "import { x } from '../store/journal.js';", 'the door of store'],
    ['src/worker/loop.ts', "import { x } from './index.js';", 'its own room'],
    ['src/worker/loop.ts', "import { Queue } from 'bullmq';", 'only queue speaks to BullMQ'],
    ['src/queue/consumer.ts', "import pg from 'pg';", 'only store speaks to PostgreSQL'],
    ['src/worker/loop.ts', "import { S3Client } from '@aws-sdk/client-s3';", 'only objects speaks to S3'],
    ['src/objects/items.ts', "import { step } from '../engine/index.js';", 'objects may not use engine'],
    [
      'src/operations/executions.ts',
      "import { readItems } from '../objects/index.js';",
      'operations may not use objects',
    ],
    ['src/api/app.ts', "import { PrismaPg } from '@prisma/adapter-pg';", 'only store speaks to PostgreSQL'],
    ['src/worker/loop.ts', "const x = process.env['X'];", 'process.env'],
    ['src/asl/x.ts', 'const f = new Function(text);', 'runs text as code'],
    ['src/asl/x.ts', 'eval (text);', 'runs text as code'],
    ['src/asl/x.ts', 'const now = Date.now();', 'pure'],
    ['src/engine/states/wait.ts', 'const id = randomUUID();', 'pure'],
    ['src/asl/x.ts', "import { readFile } from 'node:fs/promises';", 'pure'],
    ['src/asl/utils.ts', '', 'says nothing'],
    ['src/asl/JsonPath.ts', '', 'kebab-case'],
    ['src/asl/x.ts', '\n'.repeat(501), '501 lines'],
    ['src/cellar/x.ts', '', 'no room'],
    ['src/asl/x.ts', "import { y } from '../../test/y.js';", 'outside of src/'],
  ])('catch %s with %j', (file, text, complaint) => {
    expect(about(file, text).join('\n')).toContain(complaint);
  });
});
