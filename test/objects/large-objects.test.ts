import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const root = path.join(import.meta.dirname, '..', '..');
const MEGABYTE = 1000 ** 2;

/** Node with the TypeScript loader alone needs some 90 MB; what is left is less than the object by far. */
const MEMORY_MAX = 230 * MEGABYTE;

test.each(['JSON', 'JSONL', 'CSV'])(
  'an object of 300 MB of %s is read in a bounded memory',
  async (type) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', './scripts/typescript.js', 'test/objects/read-large.ts', type, String(300 * MEGABYTE)],
      { cwd: root },
    );
    const { items, peak } = JSON.parse(stdout) as { items: number; peak: number };
    expect(items).toBeGreaterThan(1_000_000);
    expect(peak).toBeLessThan(MEMORY_MAX);
  },
  120_000,
);
