import { randomBytes } from 'node:crypto';

/** Where a test finds Redis, and the key prefix under which it is alone there. */
export interface TestRedis {
  url: string;
  /** For BullMQ's `prefix`. */
  prefix: string;
}

/** The Redis of this test run, with a prefix of its own. Nothing may flush it: take `startRedisServer` for that. */
export function testRedis(): TestRedis {
  const url = process.env['TEST_REDIS_URL'];
  if (url === undefined) throw new Error('the test set-up has not run: start the tests through Jest');
  return { url, prefix: `test-${process.pid}-${randomBytes(6).toString('hex')}` };
}
